#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "hq/ca/ca_internal.h"

#define DAYS_ROOT 3652  /* 10 years */
#define DAYS_STORE 1826 /* 5 years */
#define DAYS_LEAF 730   /* 2 years: lost devices age out */
#define DAYS_BEFORE 1   /* a device's clock may be behind */
#define SERIAL_BYTES 16
#define DAY_SECONDS 86400L

static const struct {
	int days;
	const char *constraints, *key_usage, *extended_usage;
} roles[] = {
    [CA_ROOT] = {DAYS_ROOT, "critical,CA:TRUE,pathlen:1", "critical,keyCertSign,cRLSign", NULL},
    [CA_STORE] = {DAYS_STORE, "critical,CA:TRUE,pathlen:0", "critical,keyCertSign,cRLSign",
                  "clientAuth"},
    [CA_DEVICE] = {DAYS_LEAF, "critical,CA:FALSE", "critical,digitalSignature", "clientAuth"},
    [CA_HQ] = {DAYS_LEAF, "critical,CA:FALSE", "critical,digitalSignature", "clientAuth"},
    [CA_BROKER] = {DAYS_LEAF, "critical,CA:FALSE", "critical,digitalSignature", "serverAuth"},
};

EVP_PKEY *ca_x509_key(const char *type)
{
	if (strcmp(type, "EC") == 0)
		return EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	return EVP_PKEY_Q_keygen(NULL, NULL, type);
}

static bool add_name(X509_NAME *name, const char *field, const char *value)
{
	return value == NULL ||
	       X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8, (const unsigned char *)value,
	                                  -1, -1, 0) == 1;
}

static bool set_serial(X509 *cert)
{
	BIGNUM *n = BN_new();
	bool ok = n != NULL &&
	          BN_rand(n, SERIAL_BYTES * 8 - 1, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
	          BN_to_ASN1_INTEGER(n, X509_get_serialNumber(cert)) != NULL;

	BN_free(n);
	return ok;
}

/* Nothing outlives what it was signed by. */
static bool set_times(X509 *cert, const struct ca_request *request)
{
	const ASN1_TIME *limit;
	int days, seconds;

	if (X509_gmtime_adj(X509_getm_notBefore(cert), -DAYS_BEFORE * DAY_SECONDS) == NULL ||
	    X509_time_adj_ex(X509_getm_notAfter(cert), roles[request->role].days, 0, NULL) == NULL)
		return false;
	if (request->issuer == NULL)
		return true;
	limit = X509_get0_notAfter(request->issuer);
	if (ASN1_TIME_diff(&days, &seconds, X509_get0_notAfter(cert), limit) != 1)
		return false;
	return (days >= 0 && seconds >= 0) || X509_set1_notAfter(cert, limit) == 1;
}

static bool add_extension(X509 *cert, X509V3_CTX *ctx, int nid, const char *value)
{
	X509_EXTENSION *ext;
	bool ok;

	if (value == NULL)
		return true;
	ext = X509V3_EXT_conf_nid(NULL, ctx, nid, value);
	ok = ext != NULL && X509_add_ext(cert, ext, -1) == 1;
	X509_EXTENSION_free(ext);
	return ok;
}

/* Whoever holds a store's intermediate can make certificates for that store, and for no other. */
static bool constrain(X509 *cert, const char *store)
{
	NAME_CONSTRAINTS *nc = NAME_CONSTRAINTS_new();
	GENERAL_SUBTREE *tree = GENERAL_SUBTREE_new();
	X509_NAME *name = X509_NAME_new();
	bool ok = nc != NULL && tree != NULL && name != NULL && add_name(name, "O", "Laneway") &&
	          add_name(name, "CN", store);

	if (ok) {
		GENERAL_NAME_set0_value(tree->base, GEN_DIRNAME, name);
		name = NULL;
		nc->permittedSubtrees = sk_GENERAL_SUBTREE_new_null();
		ok = nc->permittedSubtrees != NULL &&
		     sk_GENERAL_SUBTREE_push(nc->permittedSubtrees, tree) > 0;
		if (ok)
			tree = NULL;
	}
	ok = ok && X509_add1_ext_i2d(cert, NID_name_constraints, nc, 1, X509V3_ADD_DEFAULT) == 1;
	X509_NAME_free(name);
	GENERAL_SUBTREE_free(tree);
	NAME_CONSTRAINTS_free(nc);
	return ok;
}

static bool extend(X509 *cert, const struct ca_request *request)
{
	X509V3_CTX ctx;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, request->issuer != NULL ? request->issuer : cert, cert, NULL, NULL, 0);
	return add_extension(cert, &ctx, NID_basic_constraints, roles[request->role].constraints) &&
	       add_extension(cert, &ctx, NID_key_usage, roles[request->role].key_usage) &&
	       add_extension(cert, &ctx, NID_ext_key_usage, roles[request->role].extended_usage) &&
	       add_extension(cert, &ctx, NID_subject_alt_name, request->san) &&
	       add_extension(cert, &ctx, NID_subject_key_identifier, "hash") &&
	       add_extension(cert, &ctx, NID_authority_key_identifier, "keyid:always") &&
	       (request->store == NULL || constrain(cert, request->store));
}

X509 *ca_x509_issue(const struct ca_request *request)
{
	EVP_PKEY *signer = request->issuer != NULL ? request->issuer_key : request->key;
	X509 *cert = X509_new();
	X509_NAME *subject;

	if (cert == NULL)
		return NULL;
	subject = X509_get_subject_name(cert);
	if (X509_set_version(cert, X509_VERSION_3) != 1 || !set_serial(cert) ||
	    !set_times(cert, request) || !add_name(subject, "O", "Laneway") ||
	    !add_name(subject, "CN", request->cn) ||
	    !add_name(subject, "serialNumber", request->serial))
		goto err_free_cert;
	if (X509_set_issuer_name(cert, request->issuer != NULL
	                                   ? X509_get_subject_name(request->issuer)
	                                   : subject) != 1 ||
	    X509_set_pubkey(cert, request->key) != 1 || !extend(cert, request) ||
	    X509_sign(cert, signer, EVP_sha256()) == 0)
		goto err_free_cert;
	return cert;
err_free_cert:
	X509_free(cert);
	return NULL;
}

void ca_x509_until(const X509 *cert, char out[11])
{
	struct tm tm;

	if (ASN1_TIME_to_tm(X509_get0_notAfter(cert), &tm) != 1 ||
	    strftime(out, 11, "%Y-%m-%d", &tm) == 0)
		snprintf(out, 11, "unknown");
}

bool ca_x509_has_host(X509 *cert, const char *host)
{
	bool has = X509_check_ip_asc(cert, host, 0) == 1 ||
	           X509_check_host(cert, host, 0, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, NULL) == 1;

	ERR_clear_error();
	return has;
}
