#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka needs the three above in front. */
#include <cmocka.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "folder.h"
#include "hq/ca/ca.h"
#include "hq/ca/ca_internal.h"
#include "store/vault.h"

struct place {
	char top[FOLDER_SIZE], dir[80];
	char said[16384]; /* what the last run wrote to standard output and standard error */
	struct ca ca;
};

/* Run `laneway-hq ca` with these words (NULL at the end) and keep what it says. */
static int run(struct place *p, ...)
{
	char *argv[16] = {"ca"}, path[128];
	int argc = 1, rc, out = dup(1), err = dup(2);
	va_list args;
	FILE *f;
	size_t n;

	va_start(args, p);
	while ((argv[argc] = va_arg(args, char *)) != NULL)
		argc++;
	va_end(args);
	snprintf(path, sizeof(path), "%s/said", p->top);
	fflush(stdout);
	f = fopen(path, "w+");
	dup2(fileno(f), 1);
	dup2(fileno(f), 2);
	rc = ca_main(argc, argv);
	fflush(stdout);
	dup2(out, 1);
	dup2(err, 2);
	close(out);
	close(err);
	rewind(f);
	n = fread(p->said, 1, sizeof(p->said) - 1, f);
	p->said[n] = '\0';
	fclose(f);
	return rc;
}

static void says(const struct place *p, const char *word)
{
	if (strstr(p->said, word) == NULL)
		fail_msg("\"%s\" is not in: %s", word, p->said);
}

static int set_up(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	folder_make(p->top, "ca");
	snprintf(p->dir, sizeof(p->dir), "%s/ca", p->top);
	strcpy(p->ca.dir, p->dir);
	assert_int_equal(
	    run(p, "init", p->dir, "--broker", "mqtt.example", "--broker", "192.0.2.7", NULL), 0);
	*state = p;
	return 0;
}

static int tear_down(void **state)
{
	struct place *p = *state;

	folder_drop(p->top);
	free(p);
	return 0;
}

static const char *at(struct place *p, const char *name)
{
	static char path[256]; /* one at a time */

	snprintf(path, sizeof(path), "%s/%s", p->dir, name);
	return path;
}

static void drop(struct place *p, const char *name)
{
	assert_int_equal(unlink(at(p, name)), 0);
}

static X509 *cert_at(struct place *p, const char *name)
{
	X509 *cert = ca_get_cert(&p->ca, at(p, name));

	if (cert == NULL)
		fail_msg("%s", p->ca.error);
	return cert;
}

static void all_files_are_there_with_their_modes(void **state)
{
	static const struct {
		const char *name;
		mode_t mode;
	} files[] = {
	    {"", 0700},
	    {"stores", 0700},
	    {"root.key", 0600},
	    {"root.crt", 0644},
	    {"hq.key", 0600},
	    {"hq.crt", 0644},
	    {"broker.key", 0600},
	    {"broker.crt", 0644},
	    {"hq-box.key", 0600},
	    {"hq-box.pub", 0644},
	    {"hq-sign.key", 0600},
	    {"hq-sign.pub", 0644},
	    {"hq-vault.key", 0600},
	};
	struct place *p = *state;
	uint8_t key[32];
	struct stat st;
	char err[256];

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		assert_int_equal(stat(at(p, files[i].name), &st), 0);
		assert_int_equal(st.st_mode & 0777, files[i].mode);
	}
	assert_int_equal(stat(at(p, "hq-vault.key"), &st), 0);
	assert_int_equal(st.st_size, 65);
	assert_int_equal(vault_read_private(at(p, "hq-box.key"), key, err, sizeof(err)), 0);
	assert_int_equal(vault_read_private(at(p, "hq-sign.key"), key, err, sizeof(err)), 0);
}

/* Names, times of change and sizes of everything in the folder. */
static void inventory(const struct place *p, char *out, size_t size)
{
	char command[256];
	FILE *f;
	size_t n;

	snprintf(command, sizeof(command), "find %s -printf '%%p %%C@ %%s\\n' | sort", p->dir);
	f = popen(command, "r");
	n = fread(out, 1, size - 1, f);
	out[n] = '\0';
	pclose(f);
}

static void init_again_says_what_exists_and_changes_nothing(void **state)
{
	struct place *p = *state;
	char before[8192], after[8192];

	inventory(p, before, sizeof(before));
	assert_int_equal(run(p, "init", p->dir, NULL), 0);
	assert_int_equal(run(p, "init", p->dir, "--broker", "mqtt.example", NULL), 0);
	assert_null(strstr(p->said, "made"));
	says(p, "root.key");
	says(p, "hq-vault.key");
	says(p, "exists");
	assert_int_equal(run(p, "init", p->dir, "--broker", "other.example", NULL), 1);
	says(p, "broker.crt: exists without the name other.example");
	inventory(p, after, sizeof(after));
	assert_string_equal(before, after);
}

static void init_goes_on_where_a_power_cut_left_it(void **state)
{
	struct place *p = *state;
	uint8_t before[32], after[32];
	char err[256];
	X509 *cert;
	EVP_PKEY *key;

	assert_int_equal(vault_read_public(at(p, "hq-box.pub"), before, err, sizeof(err)), 0);
	drop(p, "hq-box.pub");
	drop(p, "hq.crt");
	drop(p, "hq-vault.key");
	assert_int_equal(run(p, "init", p->dir, NULL), 0);
	assert_int_equal(vault_read_public(at(p, "hq-box.pub"), after, err, sizeof(err)), 0);
	assert_memory_equal(before, after, sizeof(before));
	cert = cert_at(p, "hq.crt");
	key = ca_get_private(&p->ca, at(p, "hq.key"));
	assert_int_equal(X509_check_private_key(cert, key), 1);
	EVP_PKEY_free(key);
	X509_free(cert);
	drop(p, "hq-sign.key");
	assert_int_equal(run(p, "init", p->dir, NULL), 1);
	says(p, "hq-sign.key: missing");
	drop(p, "root.key");
	assert_int_equal(run(p, "init", p->dir, NULL), 1);
	says(p, "root.key: missing");
}

/* X509_V_OK or the reason for which OpenSSL, as a broker would, refuses this client. */
static int verify_chain(struct place *p, X509 *leaf, X509 *between, X509 *above,
                        const char *purpose)
{
	X509 *root = cert_at(p, "root.crt");
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	STACK_OF(X509) *chain = sk_X509_new_null();
	int rc;

	X509_STORE_add_cert(store, root);
	sk_X509_push(chain, between);
	if (above != NULL)
		sk_X509_push(chain, above);
	assert_int_equal(X509_STORE_CTX_init(ctx, store, leaf, chain), 1);
	X509_STORE_CTX_set_default(ctx, purpose);
	rc = X509_verify_cert(ctx) == 1 ? X509_V_OK : X509_STORE_CTX_get_error(ctx);
	sk_X509_free(chain);
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	X509_free(root);
	return rc;
}

static int verify(struct place *p, X509 *leaf, X509 *between, const char *purpose)
{
	return verify_chain(p, leaf, between, NULL, purpose);
}

static void a_device_certificate_names_store_and_device_and_is_believed(void **state)
{
	struct place *p = *state;
	char subject[128];
	X509 *leaf, *between;

	assert_int_equal(run(p, "device", p->dir, "s1", "d1", NULL), 0);
	leaf = cert_at(p, "stores/s1/d1/tls.crt");
	between = cert_at(p, "stores/s1/store.crt");
	X509_NAME_oneline(X509_get_subject_name(leaf), subject, sizeof(subject));
	assert_string_equal(subject, "/O=Laneway/CN=s1/serialNumber=d1");
	assert_int_equal(verify(p, leaf, between, "ssl_client"), X509_V_OK);
	assert_int_equal(verify(p, leaf, between, "ssl_server"), X509_V_ERR_INVALID_PURPOSE);
	X509_free(between);
	X509_free(leaf);
}

/* What a thief of s1's intermediate could make. */
static int forged(struct place *p, enum ca_role role, const char *cn, const char *serial,
                  const char *purpose)
{
	EVP_PKEY *signer = ca_get_private(&p->ca, at(p, "stores/s1/store.key"));
	EVP_PKEY *key = ca_x509_key("EC");
	X509 *between = cert_at(p, "stores/s1/store.crt");
	const struct ca_request request = {.role = role,
	                                   .cn = cn,
	                                   .serial = serial,
	                                   .san = role == CA_BROKER ? "DNS:localhost" : NULL,
	                                   .key = key,
	                                   .issuer = between,
	                                   .issuer_key = signer};
	X509 *leaf = ca_x509_issue(&request);
	int rc;

	assert_non_null(leaf);
	rc = verify(p, leaf, between, purpose);
	X509_free(leaf);
	X509_free(between);
	EVP_PKEY_free(key);
	EVP_PKEY_free(signer);
	return rc;
}

static void a_store_cannot_sign_for_another_store_or_for_hq(void **state)
{
	struct place *p = *state;

	assert_int_equal(run(p, "store", p->dir, "s1", NULL), 0);
	assert_int_equal(forged(p, CA_DEVICE, "s1", "d9", "ssl_client"), X509_V_OK);
	assert_int_equal(forged(p, CA_DEVICE, "s2", "d9", "ssl_client"),
	                 X509_V_ERR_PERMITTED_VIOLATION);
	assert_int_equal(forged(p, CA_DEVICE, "s2", NULL, "ssl_client"),
	                 X509_V_ERR_PERMITTED_VIOLATION);
	assert_int_equal(forged(p, CA_DEVICE, "s10", "d9", "ssl_client"),
	                 X509_V_ERR_PERMITTED_VIOLATION);
	assert_int_equal(forged(p, CA_HQ, "laneway.hq", NULL, "ssl_client"),
	                 X509_V_ERR_PERMITTED_VIOLATION);
	assert_int_equal(forged(p, CA_BROKER, "s1", NULL, "ssl_server"),
	                 X509_V_ERR_INVALID_PURPOSE);
}

static void an_intermediate_cannot_make_another_or_act_as_its_store(void **state)
{
	struct place *p = *state;
	EVP_PKEY *signer, *key;
	X509 *store, *sub, *leaf;
	char cn[64];

	assert_int_equal(run(p, "device", p->dir, "s1", "d1", NULL), 0);
	store = cert_at(p, "stores/s1/store.crt");
	X509_NAME_get_text_by_NID(X509_get_subject_name(store), NID_commonName, cn, sizeof(cn));
	assert_string_not_equal(cn, "s1");
	assert_int_equal(X509_get_pathlen(store), 0);
	assert_true(X509_get_ext_by_NID(store, NID_name_constraints, -1) >= 0);
	assert_int_equal(X509_EXTENSION_get_critical(X509_get_ext(
	                     store, X509_get_ext_by_NID(store, NID_name_constraints, -1))),
	                 1);
	signer = ca_get_private(&p->ca, at(p, "stores/s1/store.key"));
	key = ca_x509_key("EC");
	sub = ca_x509_issue(&(struct ca_request){.role = CA_STORE,
	                                         .cn = "s1",
	                                         .store = "s1",
	                                         .key = key,
	                                         .issuer = store,
	                                         .issuer_key = signer});
	leaf = ca_x509_issue(&(struct ca_request){.role = CA_DEVICE,
	                                          .cn = "s1",
	                                          .serial = "d1",
	                                          .key = key,
	                                          .issuer = sub,
	                                          .issuer_key = key});
	assert_int_equal(verify_chain(p, leaf, sub, store, "ssl_client"),
	                 X509_V_ERR_PATH_LENGTH_EXCEEDED);
	X509_free(leaf);
	X509_free(sub);
	EVP_PKEY_free(key);
	EVP_PKEY_free(signer);
	X509_free(store);
}

static void valid_for(struct place *p, const char *name, int days_min, int days_max)
{
	X509 *cert = cert_at(p, name);
	int days, seconds;

	assert_int_equal(ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notBefore(cert)), 1);
	assert_true(days == -1 || (days == 0 && seconds < -86000));
	assert_int_equal(ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(cert)), 1);
	if (days < days_min || days > days_max)
		fail_msg("%s: %d days", name, days);
	X509_free(cert);
}

static void certificates_are_valid_from_yesterday_for_10_5_and_2_years(void **state)
{
	struct place *p = *state;
	X509 *a, *b;

	assert_int_equal(run(p, "device", p->dir, "s1", "d1", NULL), 0);
	valid_for(p, "root.crt", 3650, 3653);
	valid_for(p, "stores/s1/store.crt", 1824, 1827);
	valid_for(p, "stores/s1/d1/tls.crt", 729, 731);
	valid_for(p, "hq.crt", 729, 731);
	valid_for(p, "broker.crt", 729, 731);
	a = cert_at(p, "hq.crt");
	b = cert_at(p, "broker.crt");
	assert_int_not_equal(ASN1_INTEGER_cmp(X509_get0_serialNumber(a), X509_get0_serialNumber(b)),
	                     0);
	assert_int_equal(ASN1_STRING_length(X509_get0_serialNumber(a)), 16);
	X509_free(a);
	X509_free(b);
}

static void a_devices_folder_is_all_that_the_daemon_needs(void **state)
{
	struct place *p = *state;
	struct vault *v = NULL;
	uint8_t pub[32];
	char err[256] = "", folder[160];
	struct ssl_ctx_st *tls;

	assert_int_equal(run(p, "device", p->dir, "s1", "d1", NULL), 0);
	snprintf(folder, sizeof(folder), "%s/stores/s1/d1", p->dir);
	if (vault_open(&v, folder, true, err, sizeof(err)) != 0)
		fail_msg("%s", err);
	assert_int_equal(vault_read_public(at(p, "hq-box.pub"), pub, err, sizeof(err)), 0);
	assert_memory_equal(vault_hq_box_pub(v), pub, sizeof(pub));
	assert_int_equal(vault_read_public(at(p, "hq-sign.pub"), pub, err, sizeof(err)), 0);
	assert_memory_equal(vault_hq_sign_pub(v), pub, sizeof(pub));
	tls = vault_tls_client(folder, "tls.key", "tls.crt", "localhost", err, sizeof(err));
	assert_non_null(tls);
	vault_tls_free(tls);
	tls = vault_tls_client(p->dir, "hq.key", "hq.crt", "localhost", err, sizeof(err));
	assert_non_null(tls);
	vault_tls_free(tls);
	assert_null(
	    vault_tls_client(p->dir, "hq.key", "broker.crt", "localhost", err, sizeof(err)));
	says(p, "made");
	assert_non_null(strstr(err, "hq.key"));
	chmod(at(p, "hq.key"), 0644);
	assert_null(vault_tls_client(p->dir, "hq.key", "hq.crt", "localhost", err, sizeof(err)));
	assert_non_null(strstr(err, "chmod 600"));
	vault_free(v);
}

static void a_box_to_a_device_opens_on_the_device(void **state)
{
	struct place *p = *state;
	struct vault_work *w = vault_work_new();
	uint8_t pub[32], priv[32], box[5 + VAULT_BOX_OVERHEAD], out[5];
	char err[256];

	assert_int_equal(run(p, "device", p->dir, "s1", "d1", NULL), 0);
	assert_int_equal(
	    vault_read_public(at(p, "stores/s1/d1/device-box.pub"), pub, err, sizeof(err)), 0);
	assert_int_equal(
	    vault_read_private(at(p, "stores/s1/d1/device-box.key"), priv, err, sizeof(err)), 0);
	assert_int_equal(vault_box(w, pub, "page", "s1", 2, "hello", 5, box), 0);
	assert_int_equal(vault_unbox(w, priv, "page", "s1", 2, box, sizeof(box), out), 5);
	vault_work_free(w);
}

static void with_out_the_private_keys_are_there_only(void **state)
{
	struct place *p = *state;
	char folder[96], err[256] = "";
	struct vault *v = NULL;

	snprintf(folder, sizeof(folder), "%s/usb", p->top);
	assert_int_equal(run(p, "device", p->dir, "s1", "d1", "--out", folder, NULL), 0);
	if (vault_open(&v, folder, true, err, sizeof(err)) != 0)
		fail_msg("%s", err);
	vault_free(v);
	assert_true(ca_exists(at(p, "stores/s1/d1/device-box.pub")));
	assert_true(ca_exists(at(p, "stores/s1/d1/tls.crt")));
	assert_false(ca_exists(at(p, "stores/s1/d1/tls.key")));
	assert_false(ca_exists(at(p, "stores/s1/d1/device-box.key")));
	assert_int_equal(run(p, "device", p->dir, "s1", "d2", "--out", folder, NULL), 1);
	says(p, "tls.key: exists; it is not replaced");
	assert_false(ca_exists(at(p, "stores/s1/d2")));
}

static void nothing_is_replaced(void **state)
{
	struct place *p = *state;
	char before[8192], after[8192];

	assert_int_equal(run(p, "device", p->dir, "s1", "d1", NULL), 0);
	inventory(p, before, sizeof(before));
	assert_int_equal(run(p, "device", p->dir, "s1", "d1", NULL), 1);
	says(p, "stores/s1/d1: exists");
	assert_int_equal(run(p, "store", p->dir, "s1", NULL), 1);
	says(p, "store.crt: exists");
	inventory(p, after, sizeof(after));
	assert_string_equal(before, after);
	assert_int_equal(run(p, "device", p->dir, "s1", "d2", NULL), 0);
}

static void a_wrong_command_line_is_status_2_and_says_what_was_expected(void **state)
{
	struct place *p = *state;
	char none[96];

	assert_int_equal(run(p, NULL), 2);
	says(p, "usage: laneway-hq ca init");
	assert_int_equal(run(p, "--help", NULL), 0);
	assert_int_equal(run(p, "device", "--help", NULL), 0);
	says(p, "usage: ");
	assert_int_equal(run(p, "conjure", p->dir, NULL), 2);
	assert_int_equal(run(p, "store", p->dir, NULL), 2);
	says(p, "expected DIR and STORE");
	assert_int_equal(run(p, "store", p->dir, "S1", NULL), 2);
	says(p, "S1: expected [a-z0-9-]{1,32}");
	assert_int_equal(run(p, "store", p->dir, "../x", NULL), 2);
	assert_int_equal(run(p, "store", p->dir, "", NULL), 2);
	assert_int_equal(run(p, "device", p->dir, "s1", "012345678901234567890123456789012", NULL),
	                 2);
	assert_int_equal(run(p, "device", p->dir, "s1", "d1", "d2", NULL), 2);
	assert_int_equal(run(p, "init", p->dir, "--broker", "a,IP:1.2.3.4", NULL), 2);
	assert_int_equal(run(p, "init", p->dir, "--broker", "a:b", NULL), 2);
	assert_int_equal(run(p, "list", p->dir, "--out", "x", NULL), 2);
	assert_int_equal(run(p, "init", p->dir, "--sudo", NULL), 2);
	snprintf(none, sizeof(none), "%s/none", p->top);
	assert_int_equal(run(p, "store", none, "s1", NULL), 1);
	says(p, "root.crt: missing; `laneway-hq ca init");
	assert_int_equal(run(p, "acl", none, NULL), 1);
	assert_int_equal(run(p, "list", none, NULL), 1);
}

static void list_shows_what_there_is_and_acl_has_no_wide_rule_for_stores(void **state)
{
	struct place *p = *state;
	char *line;

	assert_int_equal(run(p, "device", p->dir, "s1", "d1", NULL), 0);
	assert_int_equal(run(p, "store", p->dir, "s2", NULL), 0);
	assert_int_equal(run(p, "list", p->dir, NULL), 0);
	says(p, "root");
	says(p, "broker");
	says(p, "store s1 ");
	says(p, "device s1 d1 ");
	says(p, "store s2 ");
	says(p, " until 20");
	assert_int_equal(run(p, "acl", p->dir, NULL), 0);
	says(p, "user laneway.hq\n");
	for (line = strtok(p->said, "\n"); line != NULL; line = strtok(NULL, "\n")) {
		assert_null(strchr(line[0] == '#' ? "" : line, '#'));
		assert_null(strstr(line, "readwrite"));
		if (strncmp(line, "pattern", 7) == 0)
			assert_non_null(strstr(line, " laneway/1/%u/"));
	}
}

/* Shake hands in memory; true if both sides end satisfied. */
static bool shake(SSL_CTX *client_ctx, SSL_CTX *server_ctx)
{
	SSL *client = SSL_new(client_ctx), *server = SSL_new(server_ctx);
	BIO *a = NULL, *b = NULL;
	bool ok;

	assert_int_equal(BIO_new_bio_pair(&a, 0, &b, 0), 1);
	SSL_set_bio(client, a, a);
	SSL_set_bio(server, b, b);
	SSL_set_connect_state(client);
	SSL_set_accept_state(server);
	for (int i = 0; i < 10; i++) {
		SSL_do_handshake(client);
		SSL_do_handshake(server);
	}
	ok = SSL_is_init_finished(client) && SSL_is_init_finished(server);
	SSL_free(server);
	SSL_free(client);
	return ok;
}

static SSL_CTX *broker(struct place *p)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	assert_int_equal(SSL_CTX_load_verify_file(ctx, at(p, "root.crt")), 1);
	assert_int_equal(SSL_CTX_use_certificate_chain_file(ctx, at(p, "broker.crt")), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey_file(ctx, at(p, "broker.key"), SSL_FILETYPE_PEM),
	                 1);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	return ctx;
}

static void a_device_and_a_broker_shake_hands_under_the_right_name_only(void **state)
{
	static const struct {
		const char *host;
		bool ok;
	} cases[] = {{"localhost", true},      {"127.0.0.1", true},  {"mqtt.example", true},
	             {"192.0.2.7", true},      {"192.0.2.8", false}, {"evil.example", false},
	             {"x.mqtt.example", false}};
	struct place *p = *state;
	SSL_CTX *server = broker(p);
	char folder[160], err[256];

	assert_int_equal(run(p, "device", p->dir, "s1", "d1", NULL), 0);
	snprintf(folder, sizeof(folder), "%s/stores/s1/d1", p->dir);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		SSL_CTX *client =
		    vault_tls_client(folder, "tls.key", "tls.crt", cases[i].host, err, sizeof(err));

		assert_non_null(client);
		assert_int_equal(shake(client, server), cases[i].ok);
		assert_int_equal(SSL_CTX_get_min_proto_version(client), TLS1_2_VERSION);
		vault_tls_free(client);
	}
	SSL_CTX_free(server);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(all_files_are_there_with_their_modes),
	    TEST(init_again_says_what_exists_and_changes_nothing),
	    TEST(init_goes_on_where_a_power_cut_left_it),
	    TEST(a_device_certificate_names_store_and_device_and_is_believed),
	    TEST(a_store_cannot_sign_for_another_store_or_for_hq),
	    TEST(an_intermediate_cannot_make_another_or_act_as_its_store),
	    TEST(certificates_are_valid_from_yesterday_for_10_5_and_2_years),
	    TEST(a_devices_folder_is_all_that_the_daemon_needs),
	    TEST(a_box_to_a_device_opens_on_the_device),
	    TEST(with_out_the_private_keys_are_there_only),
	    TEST(nothing_is_replaced),
	    TEST(a_wrong_command_line_is_status_2_and_says_what_was_expected),
	    TEST(list_shows_what_there_is_and_acl_has_no_wide_rule_for_stores),
	    TEST(a_device_and_a_broker_shake_hands_under_the_right_name_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
