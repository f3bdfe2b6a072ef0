#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/vault_internal.h"

int vault_no_pass(char *buf, int size, int writing, void *ctx)
{
	(void)buf;
	(void)size;
	(void)writing;
	(void)ctx;
	return -1;
}

int vault_check_mode(int fd, const char *path, char *err, size_t err_size)
{
	struct stat st;

	if (fstat(fd, &st) != 0) {
		snprintf(err, err_size, "%s: %s", path, strerror(errno));
		return -1;
	}
	if ((st.st_mode & 077) != 0) {
		snprintf(err, err_size,
		         "%s: others than its owner may use this private key (mode %03o); "
		         "expected 600: chmod 600 %s",
		         path, (unsigned int)(st.st_mode & 0777), path);
		return -1;
	}
	return 0;
}

static const char *type_name(int type)
{
	return type == EVP_PKEY_X25519    ? "an X25519"
	       : type == EVP_PKEY_ED25519 ? "an Ed25519"
	                                  : "an X25519 or Ed25519";
}

static bool type_fits(const EVP_PKEY *key, int type)
{
	int id = EVP_PKEY_get_id(key);

	return type != 0 ? id == type : id == EVP_PKEY_X25519 || id == EVP_PKEY_ED25519;
}

int vault_pem_public(const char *path, int type, uint8_t out[32], char *err, size_t err_size)
{
	FILE *f = fopen(path, "re");
	EVP_PKEY *key = NULL;
	size_t n = 32;
	int rc = -1;

	if (f == NULL) {
		snprintf(err, err_size, "%s: %s", path, strerror(errno));
		return -1;
	}
	key = PEM_read_PUBKEY(f, NULL, vault_no_pass, NULL);
	if (key != NULL && type_fits(key, type) && EVP_PKEY_get_raw_public_key(key, out, &n) == 1)
		rc = 0;
	else
		snprintf(err, err_size, "%s: expected %s public key in PEM", path, type_name(type));
	ERR_clear_error();
	EVP_PKEY_free(key);
	fclose(f);
	return rc;
}

int vault_pem_private(const char *path, int type, uint8_t out[32], char *err, size_t err_size)
{
	FILE *f = fopen(path, "re");
	EVP_PKEY *key = NULL;
	size_t n = 32;
	int rc = -1;

	if (f == NULL) {
		snprintf(err, err_size, "%s: %s", path, strerror(errno));
		return -1;
	}
	if (vault_check_mode(fileno(f), path, err, err_size) != 0)
		goto err_close;
	key = PEM_read_PrivateKey(f, NULL, vault_no_pass, NULL);
	if (key != NULL && type_fits(key, type) && EVP_PKEY_get_raw_private_key(key, out, &n) == 1)
		rc = 0;
	else
		snprintf(err, err_size, "%s: expected %s private key in PEM, without pass phrase",
		         path, type_name(type));
	ERR_clear_error();
	EVP_PKEY_free(key);
err_close:
	fclose(f);
	return rc;
}

int vault_read_public(const char *path, uint8_t out[32], char *err, size_t err_size)
{
	return vault_pem_public(path, 0, out, err, err_size);
}

int vault_read_private(const char *path, uint8_t out[32], char *err, size_t err_size)
{
	return vault_pem_private(path, 0, out, err, err_size);
}
