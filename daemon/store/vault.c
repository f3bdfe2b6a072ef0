#include "store/vault.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"
#include "store/vault_internal.h"

#define VAULT_PATH_SIZE 512
#define KEY_HEX_CHARS (2 * VAULT_KEY_BYTES)
#define PURPOSE_BYTES_MAX 32

struct vault {
	uint8_t device_key[VAULT_KEY_BYTES];
	uint8_t wrap_key[VAULT_KEY_BYTES];
	struct vault_hmac_key index_key, body_key;
	uint8_t device_box_priv[32], hq_box_pub[32], hq_sign_pub[32], device_sign_priv[32];
	bool signs; /* device_sign_priv is there */
};

static void derive(struct vault_work *w, const uint8_t device_key[VAULT_KEY_BYTES],
                   struct vault_bytes salt, const char *info, uint8_t out[VAULT_KEY_BYTES])
{
	vault_hkdf(w, (struct vault_bytes){device_key, VAULT_KEY_BYTES}, salt,
	           (struct vault_bytes[2]){{info, strlen(info)}}, out);
}

static int derive_all(struct vault *v)
{
	struct vault_work *w = vault_work_new();
	uint8_t key[VAULT_KEY_BYTES];

	if (w == NULL)
		return -1;
	derive(w, v->device_key, (struct vault_bytes){0}, "laneway wrap v1", v->wrap_key);
	derive(w, v->device_key, (struct vault_bytes){0}, "laneway index v1", key);
	vault_hmac_init(&v->index_key, key, sizeof(key));
	derive(w, v->device_key, (struct vault_bytes){0}, "laneway body v1", key);
	vault_hmac_init(&v->body_key, key, sizeof(key));
	vault_wipe(key, sizeof(key));
	vault_work_free(w);
	return 0;
}

static int write_all_sync(int fd, const char *text, size_t n)
{
	while (n > 0) {
		ssize_t done = write(fd, text, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -1;
		text += done;
		n -= (size_t)done;
	}
	return fsync(fd);
}

static int sync_folder(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc;

	if (fd < 0)
		return -1;
	rc = fsync(fd);
	close(fd);
	return rc;
}

/* A half-written key must never be found by the next start: write aside, sync, then give it its
 * name; link() refuses to replace a key that is there. */
static int make_key_file(const char *dir, const char *path, char *err, size_t err_size)
{
	char text[KEY_HEX_CHARS + 2], aside[VAULT_PATH_SIZE + 8];
	uint8_t key[VAULT_KEY_BYTES];
	int fd, rc = -1;

	snprintf(aside, sizeof(aside), "%s.new", path);
	unlink(aside);
	fd = open(aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0) {
		snprintf(err, err_size, "%s: cannot be made: %s", aside, strerror(errno));
		return -1;
	}
	vault_random(key, sizeof(key));
	text_hex(key, sizeof(key), text);
	text[KEY_HEX_CHARS] = '\n';
	if (write_all_sync(fd, text, KEY_HEX_CHARS + 1) != 0 || link(aside, path) != 0 ||
	    unlink(aside) != 0 || sync_folder(dir) != 0)
		snprintf(err, err_size, "%s: cannot be written: %s", path, strerror(errno));
	else
		rc = 0;
	vault_wipe(key, sizeof(key));
	vault_wipe(text, sizeof(text));
	close(fd);
	return rc;
}

static int read_key_file(const char *path, uint8_t out[VAULT_KEY_BYTES], char *err, size_t err_size)
{
	char text[KEY_HEX_CHARS + 3];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;
	int rc = -1;

	if (fd < 0) {
		snprintf(err, err_size, "%s: %s", path, strerror(errno));
		return -1;
	}
	if (vault_check_mode(fd, path, err, err_size) != 0)
		goto err_close;
	n = read(fd, text, sizeof(text) - 1);
	if (n == KEY_HEX_CHARS + 1 && text[KEY_HEX_CHARS] == '\n')
		n = KEY_HEX_CHARS;
	text[n > 0 ? n : 0] = '\0';
	if (n == KEY_HEX_CHARS && text_unhex(text, out, VAULT_KEY_BYTES))
		rc = 0;
	else
		snprintf(err, err_size, "%s: expected %d hex digits on one line", path,
		         KEY_HEX_CHARS);
	vault_wipe(text, sizeof(text));
err_close:
	close(fd);
	return rc;
}

static int read_device_key(struct vault *v, const char *dir, bool make_key, char *err,
                           size_t err_size)
{
	char path[VAULT_PATH_SIZE];

	snprintf(path, sizeof(path), "%s/vault.key", dir);
	if (access(path, F_OK) != 0 && errno == ENOENT) {
		if (!make_key) {
			snprintf(
			    err, err_size,
			    "%s: missing, and what is kept here is sealed under it; put it back "
			    "from a copy, or move the journal away to begin anew",
			    path);
			return -1;
		}
		if (make_key_file(dir, path, err, err_size) != 0)
			return -1;
		log_info("made a new device key: %s", path);
	}
	return read_key_file(path, v->device_key, err, err_size);
}

/* A device that was set up before days were signed has no such key, and works without. */
static int read_sign_key(struct vault *v, const char *dir, char *err, size_t err_size)
{
	char path[VAULT_PATH_SIZE];

	snprintf(path, sizeof(path), "%s/device-sign.key", dir);
	if (access(path, F_OK) != 0 && errno == ENOENT)
		return 0;
	if (vault_pem_private(path, EVP_PKEY_ED25519, v->device_sign_priv, err, err_size) != 0)
		return -1;
	v->signs = true;
	return 0;
}

static int read_pem_keys(struct vault *v, const char *dir, char *err, size_t err_size)
{
	char path[VAULT_PATH_SIZE];

	snprintf(path, sizeof(path), "%s/device-box.key", dir);
	if (vault_pem_private(path, EVP_PKEY_X25519, v->device_box_priv, err, err_size) != 0)
		return -1;
	snprintf(path, sizeof(path), "%s/hq-box.pub", dir);
	if (vault_pem_public(path, EVP_PKEY_X25519, v->hq_box_pub, err, err_size) != 0)
		return -1;
	snprintf(path, sizeof(path), "%s/hq-sign.pub", dir);
	if (vault_pem_public(path, EVP_PKEY_ED25519, v->hq_sign_pub, err, err_size) != 0)
		return -1;
	return read_sign_key(v, dir, err, err_size);
}

static int check_tls_files(const char *dir, char *err, size_t err_size)
{
	static const char *const names[] = {"tls.key", "tls.crt", "ca.crt"};
	char path[VAULT_PATH_SIZE];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		if (access(path, R_OK) != 0) {
			snprintf(err, err_size, "%s: %s; `laneway-hq ca device` makes it", path,
			         strerror(errno));
			return -1;
		}
	}
	return 0;
}

int vault_open(struct vault **out, const char *dir, bool make_key, char *err, size_t err_size)
{
	struct vault *v;

	if (strlen(dir) > VAULT_PATH_SIZE - 32) {
		snprintf(err, err_size, "keys folder: the path is too long");
		return -1;
	}
	v = calloc(1, sizeof(*v));
	if (v == NULL) {
		snprintf(err, err_size, "out of memory");
		return -1;
	}
	if (read_pem_keys(v, dir, err, err_size) != 0 || check_tls_files(dir, err, err_size) != 0 ||
	    read_device_key(v, dir, make_key, err, err_size) != 0)
		goto err_free_vault;
	if (derive_all(v) != 0) {
		snprintf(err, err_size, "OpenSSL has no SHA-256 or AES-256-GCM, or out of memory");
		goto err_free_vault;
	}
	*out = v;
	return 0;
err_free_vault:
	vault_free(v);
	return -1;
}

void vault_free(struct vault *v)
{
	if (v == NULL)
		return;
	vault_wipe(v, sizeof(*v));
	free(v);
}

void vault_blind(const struct vault *v, struct vault_work *w, const char *kind, const char *nf,
                 uint8_t out[VAULT_BLIND_BYTES])
{
	uint8_t hash[VAULT_HASH_BYTES];

	vault_hmac(w, &v->index_key,
	           (struct vault_bytes[]){{kind, strlen(kind)}, {"|", 1}, {nf, strlen(nf)}}, 3,
	           hash);
	memcpy(out, hash, VAULT_BLIND_BYTES);
}

void vault_body_hash(const struct vault *v, struct vault_work *w, const void *p, size_t n,
                     uint8_t out[16])
{
	uint8_t hash[VAULT_HASH_BYTES];

	vault_hmac(w, &v->body_key, &(struct vault_bytes){p, n}, 1, hash);
	memcpy(out, hash, 16);
}

void vault_derive(const struct vault *v, struct vault_work *w, struct vault_bytes salt,
                  const char *info, uint8_t out[VAULT_KEY_BYTES])
{
	derive(w, v->device_key, salt, info, out);
}

void vault_epoch_key(const struct vault *v, struct vault_work *w, const uint8_t epoch[8],
                     uint8_t out[VAULT_KEY_BYTES])
{
	derive(w, v->device_key, (struct vault_bytes){epoch, 8}, "laneway epoch v1", out);
}

/* purpose || NUL || id; the number of bytes, 0 if the purpose is too long. */
static size_t wrap_ad(const char *purpose, const uint8_t id[16], uint8_t ad[PURPOSE_BYTES_MAX + 17])
{
	size_t n = strlen(purpose) + 1;

	if (n > PURPOSE_BYTES_MAX + 1)
		return 0;
	memcpy(ad, purpose, n);
	memcpy(ad + n, id, 16);
	return n + 16;
}

int vault_wrap(const struct vault *v, struct vault_work *w, const char *purpose,
               const uint8_t id[16], const uint8_t key[VAULT_KEY_BYTES],
               uint8_t out[VAULT_WRAP_BYTES])
{
	uint8_t ad[PURPOSE_BYTES_MAX + 17];
	size_t n = wrap_ad(purpose, id, ad);

	return n == 0 ? -1 : vault_seal(w, v->wrap_key, ad, n, key, VAULT_KEY_BYTES, out);
}

int vault_unwrap(const struct vault *v, struct vault_work *w, const char *purpose,
                 const uint8_t id[16], const uint8_t wrapped[VAULT_WRAP_BYTES],
                 uint8_t out[VAULT_KEY_BYTES])
{
	uint8_t ad[PURPOSE_BYTES_MAX + 17];
	size_t n = wrap_ad(purpose, id, ad);

	if (n == 0)
		return -1;
	return vault_unseal(w, v->wrap_key, ad, n, wrapped, VAULT_WRAP_BYTES, out) < 0 ? -1 : 0;
}

void vault_rescue_key(struct vault_work *w, const uint8_t epoch_key[VAULT_KEY_BYTES],
                      uint8_t out[VAULT_KEY_BYTES])
{
	static const char info[] = "laneway rescue v1";

	vault_hkdf(w, (struct vault_bytes){epoch_key, VAULT_KEY_BYTES}, (struct vault_bytes){0},
	           (struct vault_bytes[2]){{info, sizeof(info) - 1}}, out);
}

int vault_rescue(struct vault_work *w, const uint8_t rescue_key[VAULT_KEY_BYTES],
                 const uint8_t id[16], const uint8_t key[VAULT_KEY_BYTES],
                 uint8_t out[VAULT_WRAP_BYTES])
{
	uint8_t ad[PURPOSE_BYTES_MAX + 17];
	size_t n = wrap_ad("visit-key", id, ad);

	return vault_seal(w, rescue_key, ad, n, key, VAULT_KEY_BYTES, out);
}

int vault_rescued(struct vault_work *w, const uint8_t rescue_key[VAULT_KEY_BYTES],
                  const uint8_t id[16], const uint8_t wrapped[VAULT_WRAP_BYTES],
                  uint8_t out[VAULT_KEY_BYTES])
{
	uint8_t ad[PURPOSE_BYTES_MAX + 17];
	size_t n = wrap_ad("visit-key", id, ad);

	return vault_unseal(w, rescue_key, ad, n, wrapped, VAULT_WRAP_BYTES, out) < 0 ? -1 : 0;
}

const uint8_t *vault_hq_box_pub(const struct vault *v)
{
	return v->hq_box_pub;
}

const uint8_t *vault_device_box_priv(const struct vault *v)
{
	return v->device_box_priv;
}

const uint8_t *vault_hq_sign_pub(const struct vault *v)
{
	return v->hq_sign_pub;
}

const uint8_t *vault_device_sign_priv(const struct vault *v)
{
	return v->signs ? v->device_sign_priv : NULL;
}
