/* The peer's certificates against a clock that may be wrong (WIRE.md, "Time and certificates"). */
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/vault_internal.h"

struct watch {
	vault_tls_now_fn *now;
	void *now_ctx;
	pthread_mutex_t lock; /* for what follows: the last handshake's */
	X509 *leaf;
	STACK_OF(X509) * chain; /* as the peer sent it */
	bool doubted;
};

static void watch_free(struct watch *w)
{
	X509_free(w->leaf);
	sk_X509_pop_free(w->chain, X509_free);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

/* OpenSSL's way to free what hangs on a context. */
static void free_watch(void *parent, void *ptr, CRYPTO_EX_DATA *ad, int i, long argl, void *argp)
{
	(void)parent, (void)ad, (void)i, (void)argl, (void)argp;
	if (ptr)
		watch_free(ptr);
}

/* The slot of this file's data in every context; made once. */
static CRYPTO_ONCE slot_once = CRYPTO_ONCE_STATIC_INIT;
static int slot = -1;

static void make_slot(void)
{
	slot = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, free_watch);
}

static struct watch *watch_of(SSL_CTX *ctx)
{
	return slot < 0 ? NULL : SSL_CTX_get_ex_data(ctx, slot);
}

struct check {
	SSL_CTX *ctx;
	X509 *leaf;
	STACK_OF(X509) * chain;
	bool dates; /* in full, at wall_us; else notAfter against it only */
	int64_t wall_us;
};

static int expired_at(X509_STORE_CTX *sc, time_t t)
{
	const STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(sc);
	for (int i = 0; i < sk_X509_num(chain); i++) {
		if (X509_cmp_time(X509_get0_notAfter(sk_X509_value(chain, i)), &t) <= 0)
			return X509_V_ERR_CERT_HAS_EXPIRED;
	}
	return X509_V_OK;
}

/* X509_V_OK, or what is wrong. */
static int verify(const struct check *c)
{
	X509_STORE_CTX *sc = X509_STORE_CTX_new();
	int rc = X509_V_ERR_OUT_OF_MEM;
	if (!sc ||
	    X509_STORE_CTX_init(sc, SSL_CTX_get_cert_store(c->ctx), c->leaf, c->chain) != 1 ||
	    X509_STORE_CTX_set_default(sc, "ssl_server") != 1)
		goto out;
	X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(sc);
	/* The host's name or address stands in the context's own parameters. */
	X509_VERIFY_PARAM_set1(param, SSL_CTX_get0_param(c->ctx));
	time_t t = (time_t)(c->wall_us / 1000000);
	if (c->dates)
		X509_VERIFY_PARAM_set_time(param, t);
	else
		X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_NO_CHECK_TIME);
	if (X509_verify_cert(sc) != 1)
		rc = X509_STORE_CTX_get_error(sc);
	else
		rc = c->dates ? X509_V_OK : expired_at(sc, t);
out:
	X509_STORE_CTX_free(sc);
	ERR_clear_error();
	return rc;
}

static bool by_dates(int error)
{
	return error == X509_V_ERR_CERT_HAS_EXPIRED || error == X509_V_ERR_CERT_NOT_YET_VALID;
}

static void keep_chain(struct watch *w, const struct check *c, bool doubted)
{
	pthread_mutex_lock(&w->lock);
	X509_free(w->leaf);
	sk_X509_pop_free(w->chain, X509_free);
	X509_up_ref(c->leaf);
	w->leaf = c->leaf;
	w->chain = X509_chain_up_ref(c->chain);
	w->doubted = doubted;
	pthread_mutex_unlock(&w->lock);
}

/* In place of OpenSSL's own check, in each handshake. */
static int on_verify(X509_STORE_CTX *sc, void *arg)
{
	SSL_CTX *ctx = arg;
	struct watch *w = watch_of(ctx);
	struct vault_tls_now now;
	w->now(w->now_ctx, &now);
	struct check c = {.ctx = ctx,
	                  .leaf = X509_STORE_CTX_get0_cert(sc),
	                  .chain = X509_STORE_CTX_get0_untrusted(sc),
	                  .dates = now.trusted,
	                  .wall_us = now.trusted ? now.wall_us : now.floor_us};
	int error = verify(&c);
	bool doubted = now.trusted && now.may_doubt && by_dates(error);
	if (doubted) {
		c.dates = false;
		c.wall_us = now.floor_us;
		error = verify(&c);
	}
	X509_STORE_CTX_set_error(sc, error);
	if (error == X509_V_OK)
		keep_chain(w, &c, doubted);
	return error == X509_V_OK;
}

int vault_tls_clock(struct ssl_ctx_st *ctx, vault_tls_now_fn *now, void *now_ctx)
{
	struct watch *w = calloc(1, sizeof(*w));
	if (!w)
		return -1;
	w->now = now;
	w->now_ctx = now_ctx;
	pthread_mutex_init(&w->lock, NULL);
	if (!CRYPTO_THREAD_run_once(&slot_once, make_slot) || slot < 0 ||
	    SSL_CTX_set_ex_data(ctx, slot, w) != 1) {
		watch_free(w);
		return -1;
	}
	SSL_CTX_set_cert_verify_callback(ctx, on_verify, ctx);
	return 0;
}

int vault_tls_check(struct ssl_ctx_st *ctx, int64_t wall_us, char *err, size_t err_size)
{
	struct watch *w = watch_of(ctx);
	struct check c = {.ctx = ctx, .dates = true, .wall_us = wall_us};
	snprintf(err, err_size, "there was no handshake");
	if (!w)
		return -1;
	pthread_mutex_lock(&w->lock);
	if (w->leaf) {
		X509_up_ref(w->leaf);
		c.leaf = w->leaf;
		c.chain = X509_chain_up_ref(w->chain);
	}
	pthread_mutex_unlock(&w->lock);
	if (!c.leaf)
		return -1;
	int error = verify(&c);
	X509_free(c.leaf);
	sk_X509_pop_free(c.chain, X509_free);
	snprintf(err, err_size, "%s", X509_verify_cert_error_string(error));
	return error == X509_V_OK ? 0 : -1;
}

bool vault_tls_doubted(struct ssl_ctx_st *ctx)
{
	struct watch *w = watch_of(ctx);
	if (!w)
		return false;
	pthread_mutex_lock(&w->lock);
	bool doubted = w->doubted;
	pthread_mutex_unlock(&w->lock);
	return doubted;
}
