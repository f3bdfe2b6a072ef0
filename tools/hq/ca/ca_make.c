#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>

#include "base/buf.h"
#include "hq/ca/ca_internal.h"

void ca_signer_free(struct ca_signer *s)
{
	EVP_PKEY_free(s->key);
	X509_free(s->cert);
}

int ca_signer_load(struct ca *ca, struct ca_signer *s, const char *name)
{
	char path[CA_PATH_SIZE];

	*s = (struct ca_signer){0};
	if (!ca_path(ca, path, "%s.key", name))
		return -1;
	s->key = ca_get_private(ca, path);
	if (s->key == NULL || !ca_path(ca, path, "%s.crt", name))
		return -1;
	s->cert = ca_get_cert(ca, path);
	return s->cert != NULL ? 0 : -1;
}

int ca_need_root(struct ca *ca)
{
	char path[CA_PATH_SIZE];

	if (!ca_path(ca, path, "root.crt"))
		return -1;
	if (ca_exists(path))
		return 0;
	snprintf(ca->error, sizeof(ca->error), "%s: missing; `laneway-hq ca init %s` makes it",
	         path, ca->dir);
	return -1;
}

static int load_root(struct ca *ca, struct ca_signer *root)
{
	*root = (struct ca_signer){0};
	if (ca_need_root(ca) != 0)
		return -1;
	return ca_signer_load(ca, root, "root");
}

int ca_openssl_fault(struct ca *ca, const char *path)
{
	snprintf(ca->error, sizeof(ca->error), "%s: OpenSSL could not make it", path);
	return -1;
}

int ca_put_issued(struct ca *ca, const char *path, const struct ca_request *request, bool chain)
{
	X509 *cert = ca_x509_issue(request);
	int rc = cert != NULL ? ca_put_certs(ca, path, cert, chain ? request->issuer : NULL)
	                      : ca_openssl_fault(ca, path);

	X509_free(cert);
	return rc;
}

void ca_say(const char *path, bool made)
{
	printf("%s %s\n", made ? "made   " : "exists ", path);
}

/* The private key in this file, made if it is missing. */
static EVP_PKEY *ensure_key(struct ca *ca, const char *path, const char *type)
{
	EVP_PKEY *key;

	if (ca_exists(path)) {
		ca_say(path, false);
		return ca_get_private(ca, path);
	}
	key = ca_x509_key(type);
	if (key == NULL) {
		ca_openssl_fault(ca, path);
		return NULL;
	}
	if (ca_put_private(ca, path, key) != 0) {
		EVP_PKEY_free(key);
		return NULL;
	}
	ca_say(path, true);
	return key;
}

/* name.key and name.crt, each made if it is missing: what a power cut left half done goes on from
 * there. */
static int ensure_pair(struct ca *ca, const char *name, struct ca_request *request)
{
	char key_path[CA_PATH_SIZE], crt_path[CA_PATH_SIZE];
	int rc = 0;

	if (!ca_path(ca, key_path, "%s.key", name) || !ca_path(ca, crt_path, "%s.crt", name))
		return -1;
	if (ca_exists(crt_path) && !ca_exists(key_path)) {
		snprintf(ca->error, sizeof(ca->error),
		         "%s: missing, but %s is there; put the key back, or take the certificate "
		         "away to have both made anew",
		         key_path, crt_path);
		return -1;
	}
	request->key = ensure_key(ca, key_path, "EC");
	if (request->key == NULL)
		return -1;
	if (ca_exists(crt_path))
		ca_say(crt_path, false);
	else if ((rc = ca_put_issued(ca, crt_path, request, false)) == 0)
		ca_say(crt_path, true);
	EVP_PKEY_free(request->key);
	return rc;
}

/* name.key and name.pub of a raw key. */
static int ensure_raw(struct ca *ca, const char *name, const char *type)
{
	char key_path[CA_PATH_SIZE], pub_path[CA_PATH_SIZE];
	EVP_PKEY *key;
	int rc = 0;

	if (!ca_path(ca, key_path, "%s.key", name) || !ca_path(ca, pub_path, "%s.pub", name))
		return -1;
	if (ca_exists(pub_path) && !ca_exists(key_path)) {
		snprintf(ca->error, sizeof(ca->error),
		         "%s: missing, but %s is there and devices use it; put the key back",
		         key_path, pub_path);
		return -1;
	}
	key = ensure_key(ca, key_path, type);
	if (key == NULL)
		return -1;
	if (ca_exists(pub_path))
		ca_say(pub_path, false);
	else if ((rc = ca_put_public(ca, pub_path, key)) == 0)
		ca_say(pub_path, true);
	EVP_PKEY_free(key);
	return rc;
}

static int ensure_vault_key(struct ca *ca)
{
	char path[CA_PATH_SIZE];
	bool there;

	if (!ca_path(ca, path, "hq-vault.key"))
		return -1;
	there = ca_exists(path);
	if (!there && ca_put_secret(ca, path) != 0)
		return -1;
	ca_say(path, !there);
	return 0;
}

/* A broker certificate that was there before and lacks a name is not silently right. */
static int check_broker(struct ca *ca, const struct ca_hosts *hosts)
{
	char path[CA_PATH_SIZE];
	X509 *cert = ca_path(ca, path, "broker.crt") ? ca_get_cert(ca, path) : NULL;
	int rc = cert != NULL ? 0 : -1;

	for (int i = 0; rc == 0 && i < hosts->count; i++) {
		if (ca_x509_has_host(cert, hosts->name[i]))
			continue;
		snprintf(ca->error, sizeof(ca->error),
		         "%s: exists without the name %s; take it away and run `laneway-hq ca "
		         "init` again "
		         "with every --broker it is to have",
		         path, hosts->name[i]);
		rc = -1;
	}
	X509_free(cert);
	return rc;
}

static int ensure_broker(struct ca *ca, const struct ca_hosts *hosts, const struct ca_signer *root)
{
	struct buf san = {0};
	struct ca_request request = {.role = CA_BROKER, .cn = "Laneway broker"};
	int rc = -1;

	buf_str(&san, "DNS:localhost,IP:127.0.0.1");
	for (int i = 0; i < hosts->count; i++) {
		ASN1_OCTET_STRING *ip = a2i_IPADDRESS(hosts->name[i]);

		buf_printf(&san, ",%s:%s", ip != NULL ? "IP" : "DNS", hosts->name[i]);
		ASN1_OCTET_STRING_free(ip);
	}
	ERR_clear_error();
	buf_byte(&san, 0);
	request.issuer = root->cert;
	request.issuer_key = root->key;
	request.san = (const char *)san.data;
	if (san.failed)
		snprintf(ca->error, sizeof(ca->error), "out of memory");
	else
		rc = ensure_pair(ca, "broker", &request);
	buf_free(&san);
	return rc == 0 ? check_broker(ca, hosts) : rc;
}

int ca_init(struct ca *ca, const struct ca_hosts *hosts)
{
	struct ca_request root_request = {.role = CA_ROOT, .cn = "Laneway root"};
	struct ca_request hq = {.role = CA_HQ, .cn = "laneway.hq"};
	char stores[CA_PATH_SIZE];
	struct ca_signer root;
	int rc = -1;

	if (ca_folder(ca, ca->dir) != 0 || !ca_path(ca, stores, "stores") ||
	    ca_folder(ca, stores) != 0 || ensure_pair(ca, "root", &root_request) != 0)
		return -1;
	if (load_root(ca, &root) != 0)
		goto err_free_signer;
	hq.issuer = root.cert;
	hq.issuer_key = root.key;
	if (ensure_pair(ca, "hq", &hq) == 0 && ensure_raw(ca, "hq-box", "X25519") == 0 &&
	    ensure_raw(ca, "hq-sign", "ED25519") == 0 && ensure_vault_key(ca) == 0 &&
	    ensure_broker(ca, hosts, &root) == 0)
		rc = ca_sync_folder(ca, ca->dir);
err_free_signer:
	ca_signer_free(&root);
	return rc;
}

int ca_ensure_store(struct ca *ca, const char *store)
{
	char folder[CA_PATH_SIZE], cn[CA_NAME_CHARS_MAX + 16], name[CA_NAME_CHARS_MAX + 16];
	char stem[2 * CA_NAME_CHARS_MAX];
	struct ca_request request = {.role = CA_STORE, .cn = cn, .store = store};
	struct ca_signer root;
	int rc = -1;

	/* Not a store's name: the intermediate itself can never act as its store. */
	snprintf(cn, sizeof(cn), "%s intermediate", store);
	snprintf(name, sizeof(name), "stores/%s", store);
	snprintf(stem, sizeof(stem), "%s/store", name);
	if (load_root(ca, &root) != 0)
		goto err_free_signer;
	if (!ca_path(ca, folder, "stores") || ca_folder(ca, folder) != 0 ||
	    !ca_path(ca, folder, "%s", name) || ca_folder(ca, folder) != 0)
		goto err_free_signer;
	request.issuer = root.cert;
	request.issuer_key = root.key;
	if (ensure_pair(ca, stem, &request) == 0)
		rc = ca_sync_folder(ca, folder);
err_free_signer:
	ca_signer_free(&root);
	return rc;
}

int ca_store(struct ca *ca, const char *store)
{
	char path[CA_PATH_SIZE];

	if (!ca_path(ca, path, "stores/%s/store.crt", store))
		return -1;
	if (ca_exists(path)) {
		snprintf(ca->error, sizeof(ca->error), "%s: exists; it is not replaced", path);
		return -1;
	}
	return ca_ensure_store(ca, store);
}
