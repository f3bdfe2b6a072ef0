/* Handshakes in memory, with certificates of 30 days and a clock that says what the test wants. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/ssl.h>
#include <time.h>

#include "broker.h"
#include "store/vault.h"

#define S 1000000ll
#define DAY (86400 * S)
#define YEAR (365 * DAY)

static char dir[FOLDER_SIZE];
static int64_t now_us; /* the certificates are valid from now on */

static int make_certificates(void **state)
{
	(void)state;
	folder_make(dir, "vault-chain");
	broker_root(dir, "right");
	broker_root(dir, "wrong");
	broker_leaf(dir, "right", "tls", "s1");
	broker_leaf(dir, "right", "broker", "broker");
	broker_leaf(dir, "wrong", "broker", "broker");
	broker_sh("cd %s/right && printf 'subjectAltName=IP:127.0.0.1\\nextendedKeyUsage="
	          "clientAuth\\n' >u.ext && cp broker.key user.key && openssl x509 -req -in "
	          "broker.csr -CA ca.crt -CAkey root.key -CAcreateserial -days 30 -extfile u.ext "
	          "-out user.crt 2>/dev/null",
	          dir, "", "");
	now_us = time(NULL) * S;
	return 0;
}

static int drop_certificates(void **state)
{
	(void)state;
	folder_drop(dir);
	return 0;
}

struct hands {
	struct ssl_ctx_st *client;
	struct vault_tls_now now;
	int asked;
};

static void tell_now(void *ctx, struct vault_tls_now *out)
{
	struct hands *h = ctx;
	*out = h->now;
	h->asked++;
}

static int set_up(void **state)
{
	struct hands *h = calloc(1, sizeof(*h));
	char right[96], err[256] = "";
	snprintf(right, sizeof(right), "%s/right", dir);
	h->client = vault_tls_client(right, "tls.key", "tls.crt", "127.0.0.1", err, sizeof(err));
	assert_string_equal(err, "");
	assert_int_equal(vault_tls_clock(h->client, tell_now, h), 0);
	*state = h;
	return 0;
}

static int tear_down(void **state)
{
	struct hands *h = *state;
	vault_tls_free(h->client);
	free(h);
	return 0;
}

/* Did the client take this server? */
static bool shakes(struct hands *h, const char *ca, const char *name)
{
	char path[128];
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	snprintf(path, sizeof(path), "%s/%s/%s.crt", dir, ca, name);
	assert_int_equal(SSL_CTX_use_certificate_chain_file(ctx, path), 1);
	snprintf(path, sizeof(path), "%s/%s/%s.key", dir, ca, name);
	assert_int_equal(SSL_CTX_use_PrivateKey_file(ctx, path, SSL_FILETYPE_PEM), 1);
	SSL *client = SSL_new(h->client), *server = SSL_new(ctx);
	BIO *a, *b;
	assert_int_equal(BIO_new_bio_pair(&a, 65536, &b, 65536), 1);
	SSL_set_bio(client, a, a);
	SSL_set_bio(server, b, b);
	SSL_set_connect_state(client);
	SSL_set_accept_state(server);
	int asked = h->asked;
	bool done = false;
	for (int i = 0; i < 10 && !done; i++) {
		done = SSL_do_handshake(client) == 1;
		SSL_do_handshake(server);
	}
	assert_int_equal(h->asked, asked + 1);
	SSL_free(client);
	SSL_free(server);
	SSL_CTX_free(ctx);
	return done;
}

static bool shakes_at(struct hands *h, bool trusted, int64_t wall_us, int64_t floor_us)
{
	h->now =
	    (struct vault_tls_now){.trusted = trusted, .wall_us = wall_us, .floor_us = floor_us};
	return shakes(h, "right", "broker");
}

static bool good_at(struct hands *h, int64_t wall_us)
{
	char err[200] = "";
	return vault_tls_check(h->client, wall_us, err, sizeof(err)) == 0;
}

static void at_a_trusted_time_both_dates_count(void **state)
{
	struct hands *h = *state;
	assert_true(shakes_at(h, true, now_us + DAY, 0));
	assert_false(shakes_at(h, true, now_us - DAY, 0));
	assert_false(shakes_at(h, true, now_us + 31 * DAY, 0));
	assert_false(shakes_at(h, true, now_us + 10 * YEAR, now_us));
}

static void without_one_no_wall_clock_keeps_us_from_connecting(void **state)
{
	struct hands *h = *state;
	assert_true(shakes_at(h, false, 0, 0));
	assert_true(shakes_at(h, false, now_us - 50 * YEAR, now_us));
	assert_true(shakes_at(h, false, now_us + 10 * YEAR, now_us + DAY));
	assert_false(vault_tls_doubted(h->client));
}

static void without_one_what_had_expired_by_the_floor_is_refused(void **state)
{
	struct hands *h = *state;
	assert_false(shakes_at(h, false, now_us, now_us + 31 * DAY));
}

static void without_one_chain_name_and_usage_count_all_the_same(void **state)
{
	struct hands *h = *state;
	h->now = (struct vault_tls_now){.trusted = false, .floor_us = now_us};
	assert_false(shakes(h, "wrong", "broker"));
	assert_false(shakes(h, "right", "user"));
	assert_true(shakes(h, "right", "broker"));
	char right[96], err[256] = "";
	snprintf(right, sizeof(right), "%s/right", dir);
	vault_tls_free(h->client);
	h->client = vault_tls_client(right, "tls.key", "tls.crt", "127.0.0.2", err, sizeof(err));
	assert_int_equal(vault_tls_clock(h->client, tell_now, h), 0);
	assert_false(shakes(h, "right", "broker"));
}

static void the_live_chain_is_checked_again_in_full(void **state)
{
	struct hands *h = *state;
	assert_false(good_at(h, now_us)); /* no handshake yet */
	assert_true(shakes_at(h, false, 0, 0));
	assert_true(good_at(h, now_us + DAY));
	assert_false(good_at(h, now_us - DAY));
	assert_false(good_at(h, now_us + 31 * DAY));
	assert_true(good_at(h, now_us + DAY));
}

static void a_doubtful_time_lets_the_connection_in_and_says_so(void **state)
{
	struct hands *h = *state;
	h->now = (struct vault_tls_now){
	    .trusted = true, .wall_us = now_us + 10 * YEAR, .floor_us = now_us, .may_doubt = true};
	assert_true(shakes(h, "right", "broker"));
	assert_true(vault_tls_doubted(h->client));
	assert_false(good_at(h, now_us + 10 * YEAR));
	assert_true(good_at(h, now_us + DAY));
	assert_false(shakes(h, "wrong", "broker")); /* the dates alone may be doubted */
	h->now.floor_us = now_us + 31 * DAY;
	assert_false(shakes(h, "right", "broker"));
	h->now.wall_us = now_us + DAY;
	assert_true(shakes(h, "right", "broker"));
	assert_false(vault_tls_doubted(h->client));
}

static void a_context_without_such_a_clock_was_never_checked_by_it(void **state)
{
	(void)state;
	char right[96], err[256] = "";
	snprintf(right, sizeof(right), "%s/right", dir);
	struct ssl_ctx_st *c =
	    vault_tls_client(right, "tls.key", "tls.crt", "127.0.0.1", err, sizeof(err));
	assert_int_equal(vault_tls_check(c, now_us, err, sizeof(err)), -1);
	assert_false(vault_tls_doubted(c));
	vault_tls_free(c);
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(at_a_trusted_time_both_dates_count),
	    TEST(without_one_no_wall_clock_keeps_us_from_connecting),
	    TEST(without_one_what_had_expired_by_the_floor_is_refused),
	    TEST(without_one_chain_name_and_usage_count_all_the_same),
	    TEST(the_live_chain_is_checked_again_in_full),
	    TEST(a_doubtful_time_lets_the_connection_in_and_says_so),
	    TEST(a_context_without_such_a_clock_was_never_checked_by_it),
	};
	return cmocka_run_group_tests(tests, make_certificates, drop_certificates);
}
