#include <errno.h>
#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "hq/ca/ca_internal.h"
#include "store/vault.h"

#define CA_PEM_BYTES_MAX 16384 /* a public file of ours is under 2 KiB */

bool ca_path(struct ca *ca, char out[CA_PATH_SIZE], const char *fmt, ...)
{
	size_t n = strlen(ca->dir);
	va_list args;
	int more;

	memcpy(out, ca->dir, n);
	out[n++] = '/';
	va_start(args, fmt);
	more = vsnprintf(out + n, CA_PATH_SIZE - n, fmt, args);
	va_end(args);
	if (more >= 0 && n + (size_t)more < CA_PATH_SIZE)
		return true;
	snprintf(ca->error, sizeof(ca->error), "%s: the path is too long", ca->dir);
	return false;
}

bool ca_exists(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

static int system_fault(struct ca *ca, const char *path)
{
	snprintf(ca->error, sizeof(ca->error), "%s: %s", path, strerror(errno));
	return -1;
}

int ca_folder(struct ca *ca, const char *path)
{
	return mkdir(path, 0700) == 0 || errno == EEXIST ? 0 : system_fault(ca, path);
}

int ca_sync_folder(struct ca *ca, const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = fd >= 0 && fsync(fd) == 0 ? 0 : system_fault(ca, path);

	if (fd >= 0)
		close(fd);
	return rc;
}

static bool write_sync(int fd, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t done = write(fd, p, n);

		if (done < 0 && errno != EINTR)
			return false;
		if (done > 0) {
			p += done;
			n -= (size_t)done;
		}
	}
	return fsync(fd) == 0;
}

/* Aside first, then link(): a name is either a whole file or free, and never replaced. */
static int put_text(struct ca *ca, const char *path, mode_t mode, const char *text, size_t n)
{
	char aside[CA_PATH_SIZE + 8];
	int fd, rc = -1;

	snprintf(aside, sizeof(aside), "%s.new", path);
	unlink(aside);
	fd = open(aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (fd < 0)
		return system_fault(ca, aside);
	if (!write_sync(fd, text, n))
		system_fault(ca, aside);
	else if (link(aside, path) != 0)
		system_fault(ca, path);
	else
		rc = 0;
	unlink(aside);
	close(fd);
	return rc;
}

/* Takes the BIO; `written` is what the PEM writer said. */
static int put_bio(struct ca *ca, const char *path, mode_t mode, BIO *bio, bool written)
{
	char *text = NULL;
	long n = bio != NULL ? BIO_get_mem_data(bio, &text) : 0;
	int rc = -1;

	if (written && n > 0) {
		rc = put_text(ca, path, mode, text, (size_t)n);
		vault_wipe(text, (size_t)n);
	} else {
		snprintf(ca->error, sizeof(ca->error), "%s: OpenSSL could not write it as PEM",
		         path);
	}
	BIO_free(bio);
	return rc;
}

int ca_put_private(struct ca *ca, const char *path, const EVP_PKEY *key)
{
	BIO *bio = BIO_new(BIO_s_mem());
	bool written =
	    bio != NULL && PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1;

	return put_bio(ca, path, 0600, bio, written);
}

int ca_put_public(struct ca *ca, const char *path, const EVP_PKEY *key)
{
	BIO *bio = BIO_new(BIO_s_mem());
	bool written = bio != NULL && PEM_write_bio_PUBKEY(bio, key) == 1;

	return put_bio(ca, path, 0644, bio, written);
}

int ca_put_certs(struct ca *ca, const char *path, X509 *cert, X509 *issuer)
{
	BIO *bio = BIO_new(BIO_s_mem());
	bool written = bio != NULL && PEM_write_bio_X509(bio, cert) == 1 &&
	               (issuer == NULL || PEM_write_bio_X509(bio, issuer) == 1);

	return put_bio(ca, path, 0644, bio, written);
}

int ca_put_copy(struct ca *ca, const char *path, const char *from)
{
	char text[CA_PEM_BYTES_MAX];
	FILE *f = fopen(from, "re");
	size_t n;

	if (f == NULL)
		return system_fault(ca, from);
	n = fread(text, 1, sizeof(text), f);
	fclose(f);
	if (n == 0 || n == sizeof(text)) {
		snprintf(ca->error, sizeof(ca->error), "%s: expected a PEM file of 1 to %d bytes",
		         from, CA_PEM_BYTES_MAX - 1);
		return -1;
	}
	return put_text(ca, path, 0644, text, n);
}

int ca_put_secret(struct ca *ca, const char *path)
{
	uint8_t key[VAULT_KEY_BYTES];
	char text[TEXT_HEX_SIZE(VAULT_KEY_BYTES)];
	int rc;

	vault_random(key, sizeof(key));
	text_hex(key, sizeof(key), text);
	text[sizeof(text) - 1] = '\n';
	rc = put_text(ca, path, 0600, text, sizeof(text));
	vault_wipe(key, sizeof(key));
	vault_wipe(text, sizeof(text));
	return rc;
}

static int no_pass(char *buf, int size, int writing, void *ctx)
{
	(void)buf;
	(void)size;
	(void)writing;
	(void)ctx;
	return -1;
}

EVP_PKEY *ca_get_private(struct ca *ca, const char *path)
{
	BIO *bio = BIO_new_file(path, "r");
	EVP_PKEY *key = bio != NULL ? PEM_read_bio_PrivateKey(bio, NULL, no_pass, NULL) : NULL;

	if (key == NULL)
		snprintf(ca->error, sizeof(ca->error),
		         "%s: expected a private key in PEM, without pass phrase", path);
	ERR_clear_error();
	BIO_free(bio);
	return key;
}

X509 *ca_get_cert(struct ca *ca, const char *path)
{
	BIO *bio = BIO_new_file(path, "r");
	X509 *cert = bio != NULL ? PEM_read_bio_X509(bio, NULL, no_pass, NULL) : NULL;

	if (cert == NULL)
		snprintf(ca->error, sizeof(ca->error), "%s: expected a certificate in PEM", path);
	ERR_clear_error();
	BIO_free(bio);
	return cert;
}
