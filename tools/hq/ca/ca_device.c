#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "hq/ca/ca_internal.h"

static const char *const device_files[] = {"tls.key",         "tls.crt", "device-box.key",
                                           "device-sign.key", "ca.crt",  "hq-box.pub",
                                           "hq-sign.pub"};
static const char *const hq_files[] = {"device-box.pub", "device-sign.pub"}; /* stay at HQ */

struct device {
	const char *store, *device;
	EVP_PKEY *tls, *box, *sign;
	struct ca_signer signer;
};

static bool join(struct ca *ca, char out[CA_PATH_SIZE], const char *folder, const char *file)
{
	int n = snprintf(out, CA_PATH_SIZE, "%s/%s", folder, file);

	if (n >= 0 && n < CA_PATH_SIZE - (int)sizeof(".new"))
		return true;
	snprintf(ca->error, sizeof(ca->error), "%.200s...: the path is too long", folder);
	return false;
}

static int put_cert(struct ca *ca, const char *folder, const struct device *d)
{
	const struct ca_request request = {
	    .role = CA_DEVICE,
	    .cn = d->store,
	    .serial = d->device,
	    .key = d->tls,
	    .issuer = d->signer.cert,
	    .issuer_key = d->signer.key,
	};
	char path[CA_PATH_SIZE];

	return join(ca, path, folder, "tls.crt") ? ca_put_issued(ca, path, &request, true) : -1;
}

static int put_copy(struct ca *ca, const char *folder, const char *file, const char *from)
{
	char path[CA_PATH_SIZE], source[CA_PATH_SIZE];

	if (!join(ca, path, folder, file) || !ca_path(ca, source, "%s", from))
		return -1;
	return ca_put_copy(ca, path, source);
}

/* Everything that goes to the device. */
static int put_device(struct ca *ca, const char *folder, const struct device *d)
{
	char path[CA_PATH_SIZE];

	if (!join(ca, path, folder, "tls.key") || ca_put_private(ca, path, d->tls) != 0 ||
	    put_cert(ca, folder, d) != 0)
		return -1;
	if (!join(ca, path, folder, "device-box.key") || ca_put_private(ca, path, d->box) != 0 ||
	    !join(ca, path, folder, "device-sign.key") || ca_put_private(ca, path, d->sign) != 0)
		return -1;
	if (put_copy(ca, folder, "ca.crt", "root.crt") != 0 ||
	    put_copy(ca, folder, "hq-box.pub", "hq-box.pub") != 0 ||
	    put_copy(ca, folder, "hq-sign.pub", "hq-sign.pub") != 0)
		return -1;
	return ca_sync_folder(ca, folder);
}

static void drop_file(const char *folder, const char *file)
{
	char path[CA_PATH_SIZE + 40];

	snprintf(path, sizeof(path), "%s/%s", folder, file);
	unlink(path);
	snprintf(path, sizeof(path), "%s/%s.new", folder, file);
	unlink(path);
}

/* Also what an earlier run was stopped in. */
static void drop_stage(const char *stage)
{
	for (size_t i = 0; i < sizeof(device_files) / sizeof(device_files[0]); i++)
		drop_file(stage, device_files[i]);
	for (size_t i = 0; i < sizeof(hq_files) / sizeof(hq_files[0]); i++)
		drop_file(stage, hq_files[i]);
	rmdir(stage);
}

/* What HQ itself needs of a device: when its certificate ends, the key that pages are sealed to,
 * and the one that its statements are checked with. */
static int put_hq_part(struct ca *ca, const char *folder, const char *out, const struct device *d)
{
	char path[CA_PATH_SIZE], crt[CA_PATH_SIZE];

	if (out != NULL && (!join(ca, path, folder, "tls.crt") || !join(ca, crt, out, "tls.crt") ||
	                    ca_put_copy(ca, path, crt) != 0))
		return -1;
	if (!join(ca, path, folder, "device-box.pub") || ca_put_public(ca, path, d->box) != 0 ||
	    !join(ca, path, folder, "device-sign.pub") || ca_put_public(ca, path, d->sign) != 0)
		return -1;
	return ca_sync_folder(ca, folder);
}

/* Made beside, then named: HQ's folder of a device is whole or not there. */
static int put_all(struct ca *ca, const char *final, const char *out, const struct device *d)
{
	char stage[CA_PATH_SIZE];

	if (!ca_path(ca, stage, "stores/%s/.%s.new", d->store, d->device))
		return -1;
	drop_stage(stage);
	if (ca_folder(ca, stage) != 0 || (out != NULL && ca_folder(ca, out) != 0))
		return -1;
	if (put_device(ca, out != NULL ? out : stage, d) != 0 ||
	    put_hq_part(ca, stage, out, d) != 0)
		goto err_drop_stage;
	if (rename(stage, final) != 0) {
		snprintf(ca->error, sizeof(ca->error), "%s: %s", final, strerror(errno));
		goto err_drop_stage;
	}
	return 0;
err_drop_stage:
	drop_stage(stage);
	return -1;
}

static int refuse_existing(struct ca *ca, const char *final, const char *out)
{
	char path[CA_PATH_SIZE];

	if (ca_exists(final)) {
		snprintf(
		    ca->error, sizeof(ca->error),
		    "%s: exists; it is not replaced (take the folder away to make the device anew)",
		    final);
		return -1;
	}
	for (size_t i = 0; out != NULL && i < sizeof(device_files) / sizeof(device_files[0]); i++) {
		if (!join(ca, path, out, device_files[i]))
			return -1;
		if (ca_exists(path)) {
			snprintf(ca->error, sizeof(ca->error), "%s: exists; it is not replaced",
			         path);
			return -1;
		}
	}
	return 0;
}

int ca_device(struct ca *ca, const char *store, const char *device, const char *out)
{
	struct device d = {.store = store, .device = device};
	char final[CA_PATH_SIZE], name[CA_NAME_CHARS_MAX + 16];
	int rc = -1;

	snprintf(name, sizeof(name), "stores/%s/store", store);
	if (!ca_path(ca, final, "stores/%s/%s", store, device) ||
	    refuse_existing(ca, final, out) != 0 || ca_ensure_store(ca, store) != 0)
		return -1;
	d.tls = ca_x509_key("EC");
	d.box = ca_x509_key("X25519");
	d.sign = ca_x509_key("ED25519");
	if (d.tls == NULL || d.box == NULL || d.sign == NULL) {
		ca_openssl_fault(ca, final);
		goto err_free_keys;
	}
	if (ca_signer_load(ca, &d.signer, name) != 0 || put_all(ca, final, out, &d) != 0)
		goto err_free_signer;
	ca_say(final, true);
	if (out != NULL)
		ca_say(out, true);
	rc = 0;
err_free_signer:
	ca_signer_free(&d.signer);
err_free_keys:
	EVP_PKEY_free(d.sign);
	EVP_PKEY_free(d.box);
	EVP_PKEY_free(d.tls);
	return rc;
}

/* The public half is written last: whoever finds it knows that the key is with the device. */
int ca_sign(struct ca *ca, const char *store, const char *device, const char *out)
{
	char folder[CA_PATH_SIZE], pub[CA_PATH_SIZE], key_path[CA_PATH_SIZE];
	EVP_PKEY *key = NULL;
	int rc = -1;

	if (!ca_path(ca, folder, "stores/%s/%s", store, device) ||
	    !join(ca, pub, folder, "device-sign.pub") ||
	    !join(ca, key_path, out != NULL ? out : folder, "device-sign.key"))
		return -1;
	if (!ca_exists(folder)) {
		snprintf(ca->error, sizeof(ca->error), "%s: there is no such device", folder);
		return -1;
	}
	if (ca_exists(pub)) {
		snprintf(ca->error, sizeof(ca->error), "%s: exists; it is not replaced", pub);
		return -1;
	}
	if (ca_exists(key_path)) {
		key = ca_get_private(ca, key_path);
		if (key == NULL)
			return -1;
	} else {
		key = ca_x509_key("ED25519");
		if (key == NULL)
			return ca_openssl_fault(ca, key_path);
		if ((out != NULL && ca_folder(ca, out) != 0) ||
		    ca_put_private(ca, key_path, key) != 0)
			goto err_free_key;
	}
	if (ca_put_public(ca, pub, key) != 0 || ca_sync_folder(ca, folder) != 0)
		goto err_free_key;
	ca_say(key_path, true);
	ca_say(pub, true);
	rc = 0;
err_free_key:
	EVP_PKEY_free(key);
	return rc;
}
