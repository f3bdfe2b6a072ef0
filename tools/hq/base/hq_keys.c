#include "hq/base/hq_keys.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "event/event.h"

#define HQ_KEYS_PATH_SIZE 400
#define HQ_KEYS_DEVICES_MAX                                                                        \
	4096 /* remembered public keys; a bigger fleet reads some files again                      \
	      */
#define HQ_KEYS_PURPOSE "visit-key"

struct device_key {
	char store[EVENT_STORE_SIZE], device[EVENT_STORE_SIZE];
	uint8_t pub[32];
};

struct hq_keys {
	char dir[HQ_KEYS_PATH_SIZE];
	uint8_t box[32], sign[32], vault[VAULT_KEY_BYTES];
	struct device_key *device;
	size_t device_count;
};

static int read_vault_key(const char *path, uint8_t out[VAULT_KEY_BYTES], char *err,
                          size_t err_size)
{
	char text[TEXT_HEX_SIZE(VAULT_KEY_BYTES) + 1];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) != 0) {
		snprintf(err, err_size, "%s: %s", path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return -1;
	}
	n = read(fd, text, sizeof text - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	if (st.st_mode & 077)
		snprintf(err, err_size, "%s: others may read it, expected mode 0600", path);
	else if (text_unhex(text, out, VAULT_KEY_BYTES))
		n = 0;
	else
		snprintf(err, err_size, "%s: expected 64 hex digits", path);
	vault_wipe(text, sizeof text);
	return n == 0 ? 0 : -1;
}

int hq_keys_open(struct hq_keys **out, const char *dir, char *err, size_t err_size)
{
	struct hq_keys *k = memory_zeroed(1, sizeof *k);
	char path[HQ_KEYS_PATH_SIZE + 32];

	if (!k || !text_copy(k->dir, sizeof k->dir, dir)) {
		snprintf(err, err_size, "%s", k ? "keys: the path is too long" : "out of memory");
		goto err_free;
	}
	snprintf(path, sizeof path, "%s/hq-box.key", dir);
	if (vault_read_private(path, k->box, err, err_size) != 0)
		goto err_free;
	snprintf(path, sizeof path, "%s/hq-sign.key", dir);
	if (vault_read_private(path, k->sign, err, err_size) != 0)
		goto err_free;
	snprintf(path, sizeof path, "%s/hq-vault.key", dir);
	if (read_vault_key(path, k->vault, err, err_size) != 0)
		goto err_free;
	*out = k;
	return 0;
err_free:
	hq_keys_free(k);
	return -1;
}

void hq_keys_free(struct hq_keys *k)
{
	if (!k)
		return;
	free(k->device);
	vault_wipe(k, sizeof *k);
	free(k);
}

const uint8_t *hq_keys_box(const struct hq_keys *k)
{
	return k->box;
}

const uint8_t *hq_keys_sign(const struct hq_keys *k)
{
	return k->sign;
}

/* The purpose with its NUL, then the id: a wrapped key cannot be given another name. */
static void wrap_ad(const uint8_t id[16], uint8_t ad[sizeof HQ_KEYS_PURPOSE + 16])
{
	memcpy(ad, HQ_KEYS_PURPOSE, sizeof HQ_KEYS_PURPOSE);
	memcpy(ad + sizeof HQ_KEYS_PURPOSE, id, 16);
}

int hq_keys_wrap(const struct hq_keys *k, struct vault_work *w, const uint8_t id[16],
                 const uint8_t key[VAULT_KEY_BYTES], uint8_t out[VAULT_WRAP_BYTES])
{
	uint8_t ad[sizeof HQ_KEYS_PURPOSE + 16];

	wrap_ad(id, ad);
	return vault_seal(w, k->vault, ad, sizeof ad, key, VAULT_KEY_BYTES, out);
}

int hq_keys_unwrap(const struct hq_keys *k, struct vault_work *w, const uint8_t id[16],
                   const uint8_t wrapped[VAULT_WRAP_BYTES], uint8_t out[VAULT_KEY_BYTES])
{
	uint8_t ad[sizeof HQ_KEYS_PURPOSE + 16];
	ssize_t n;

	wrap_ad(id, ad);
	n = vault_unseal(w, k->vault, ad, sizeof ad, wrapped, VAULT_WRAP_BYTES, out);
	return n == VAULT_KEY_BYTES ? 0 : -1;
}

/* "seen" NUL store. */
static size_t seen_ad(const char *store, uint8_t ad[8 + EVENT_STORE_SIZE])
{
	memcpy(ad, "seen", 5);
	text_copy((char *)ad + 5, EVENT_STORE_SIZE, store);
	return 5 + strlen((char *)ad + 5);
}

int hq_keys_seen(const struct hq_keys *k, struct vault_work *w, const char *store, uint64_t turn,
                 char out[HQ_KEYS_SEEN_SIZE])
{
	uint8_t ad[8 + EVENT_STORE_SIZE], plain[8], seal[8 + VAULT_SEAL_OVERHEAD];
	struct buf b = {.data = plain, .cap = sizeof plain};
	char text[TEXT_B64_SIZE(sizeof seal)];
	size_t ad_len = seen_ad(store, ad);

	buf_be64(&b, turn);
	if (vault_seal(w, k->vault, ad, ad_len, plain, sizeof plain, seal) != 0)
		return -1;
	text_b64(seal, sizeof seal, text);
	snprintf(out, HQ_KEYS_SEEN_SIZE, "%" PRIu64 ".%s", turn, text);
	return 0;
}

uint64_t hq_keys_seen_open(const struct hq_keys *k, struct vault_work *w, const char *store,
                           const char *seen)
{
	uint8_t ad[8 + EVENT_STORE_SIZE], plain[8], seal[8 + VAULT_SEAL_OVERHEAD];
	const char *dot = strchr(seen, '.');
	size_t ad_len = seen_ad(store, ad);

	if (!dot || text_unb64(dot + 1, strlen(dot + 1), seal, sizeof seal) != sizeof seal ||
	    vault_unseal(w, k->vault, ad, ad_len, seal, sizeof seal, plain) != sizeof plain)
		return 0;
	return buf_get64(plain);
}

bool hq_keys_name_ok(const char *name)
{
	size_t n = strlen(name);

	return n >= 1 && n < EVENT_STORE_SIZE &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == n;
}

static const uint8_t *remember(struct hq_keys *k, const struct device_key *found)
{
	if (!k->device)
		k->device = memory_zeroed(HQ_KEYS_DEVICES_MAX, sizeof *k->device);
	if (!k->device)
		return NULL;
	if (k->device_count == HQ_KEYS_DEVICES_MAX)
		k->device_count = 0;
	k->device[k->device_count] = *found;
	return k->device[k->device_count++].pub;
}

const uint8_t *hq_keys_device(struct hq_keys *k, const char *store, const char *device)
{
	char path[HQ_KEYS_PATH_SIZE + 128], err[HQ_KEYS_PATH_SIZE + 256];
	struct device_key found;

	if (!hq_keys_name_ok(store) || !hq_keys_name_ok(device))
		return NULL;
	for (size_t i = 0; i < k->device_count; i++) {
		if (strcmp(k->device[i].store, store) == 0 &&
		    strcmp(k->device[i].device, device) == 0)
			return k->device[i].pub;
	}
	snprintf(path, sizeof path, "%s/stores/%s/%s/device-box.pub", k->dir, store, device);
	if (vault_read_public(path, found.pub, err, sizeof err) != 0) {
		log_warn("store %s, device %s is not answered: %s", store, device, err);
		return NULL;
	}
	text_copy(found.store, sizeof found.store, store);
	text_copy(found.device, sizeof found.device, device);
	return remember(k, &found);
}

int hq_keys_device_sign(const struct hq_keys *k, const char *store, const char *device,
                        uint8_t out[32], char *err, size_t err_size)
{
	char path[HQ_KEYS_PATH_SIZE + 128];

	if (!hq_keys_name_ok(store) || !hq_keys_name_ok(device)) {
		snprintf(err, err_size, "the device's name is none");
		return -1;
	}
	snprintf(path, sizeof path, "%s/stores/%s/%s/device-sign.pub", k->dir, store, device);
	return vault_read_public(path, out, err, err_size);
}

int hq_keys_sign_pub(const struct hq_keys *k, uint8_t out[32], char *err, size_t err_size)
{
	char path[HQ_KEYS_PATH_SIZE + 32];

	snprintf(path, sizeof path, "%s/hq-sign.pub", k->dir);
	return vault_read_public(path, out, err, err_size);
}
