#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "store/vault_internal.h"

#define TLS_PATH_SIZE 512

/* "FILE: what: what OpenSSL or the system says". */
static void fault(const char *path, const char *what, char *err, size_t err_size)
{
	unsigned long code = ERR_peek_last_error();
	const char *reason = code != 0 ? ERR_reason_error_string(code) : NULL;

	snprintf(err, err_size, "%s: %s%s%s", path, what, reason != NULL ? ": " : "",
	         reason != NULL ? reason : "");
	ERR_clear_error();
}

static int open_check(const char *path, bool is_private, char *err, size_t err_size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int rc = 0;

	if (fd < 0) {
		snprintf(err, err_size, "%s: %s", path, strerror(errno));
		return -1;
	}
	if (is_private)
		rc = vault_check_mode(fd, path, err, err_size);
	close(fd);
	return rc;
}

static int load_root(SSL_CTX *ctx, const char *dir, char *err, size_t err_size)
{
	char path[TLS_PATH_SIZE], hq_path[TLS_PATH_SIZE];

	snprintf(path, sizeof(path), "%s/ca.crt", dir);
	snprintf(hq_path, sizeof(hq_path), "%s/root.crt", dir);
	if (access(path, F_OK) != 0 && access(hq_path, F_OK) == 0)
		memcpy(path, hq_path, sizeof(path));
	if (open_check(path, false, err, err_size) != 0)
		return -1;
	if (SSL_CTX_load_verify_file(ctx, path) != 1) {
		fault(path, "expected the root certificate in PEM", err, err_size);
		return -1;
	}
	return 0;
}

static int load_own(SSL_CTX *ctx, const char *dir, const char *key, const char *crt, char *err,
                    size_t err_size)
{
	char path[TLS_PATH_SIZE];

	snprintf(path, sizeof(path), "%s/%s", dir, crt);
	if (open_check(path, false, err, err_size) != 0)
		return -1;
	if (SSL_CTX_use_certificate_chain_file(ctx, path) != 1) {
		fault(path, "expected a certificate and its intermediate in PEM", err, err_size);
		return -1;
	}
	snprintf(path, sizeof(path), "%s/%s", dir, key);
	if (open_check(path, true, err, err_size) != 0)
		return -1;
	if (SSL_CTX_use_PrivateKey_file(ctx, path, SSL_FILETYPE_PEM) != 1 ||
	    SSL_CTX_check_private_key(ctx) != 1) {
		fault(path, "expected the private key, in PEM, of the certificate beside it", err,
		      err_size);
		return -1;
	}
	return 0;
}

static int expect_peer(SSL_CTX *ctx, const char *host, char *err, size_t err_size)
{
	X509_VERIFY_PARAM *param = SSL_CTX_get0_param(ctx);

	if (X509_VERIFY_PARAM_set1_ip_asc(param, host) == 1)
		return 0;
	ERR_clear_error();
	X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
	                                           X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
	if (host[0] == '\0' || X509_VERIFY_PARAM_set1_host(param, host, 0) != 1) {
		fault(host, "expected a host name or an IP address", err, err_size);
		return -1;
	}
	return 0;
}

/* Whoever connects gives OpenSSL the address that it dialled; a server behind a router of names
 * needs the name. None for an address, as RFC 6066 has it. */
static void name_server(const SSL *ssl, int where, int ret)
{
	SSL *s = (SSL *)ssl;

	(void)ret;
	if (where & SSL_CB_HANDSHAKE_START)
		SSL_set_tlsext_host_name(s, X509_VERIFY_PARAM_get0_host(SSL_get0_param(s), 0));
}

struct ssl_ctx_st *vault_tls_client(const char *dir, const char *key, const char *crt,
                                    const char *host, char *err, size_t err_size)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	if (ctx == NULL || SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1) {
		fault("TLS", "cannot be set up", err, err_size);
		goto err_free_ctx;
	}
	SSL_CTX_set_default_passwd_cb(ctx, vault_no_pass);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_info_callback(ctx, name_server);
	if (load_root(ctx, dir, err, err_size) != 0 ||
	    load_own(ctx, dir, key, crt, err, err_size) != 0 ||
	    expect_peer(ctx, host, err, err_size) != 0)
		goto err_free_ctx;
	return ctx;
err_free_ctx:
	SSL_CTX_free(ctx);
	return NULL;
}

void vault_tls_free(struct ssl_ctx_st *ctx)
{
	SSL_CTX_free(ctx);
}
