/* What the files of `laneway-hq ca` share. */
#ifndef LANEWAY_HQ_CA_INTERNAL_H
#define LANEWAY_HQ_CA_INTERNAL_H

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>

#define CA_DIR_BYTES_MAX 300
#define CA_PATH_SIZE 512
#define CA_ERROR_SIZE 1280
#define CA_NAME_CHARS_MAX 32 /* a store or device: [a-z0-9-]{1,32} */
#define CA_HOSTS_MAX 16      /* names of the broker besides localhost */

/* One run: the folder, and the sentence that says what went wrong. */
struct ca {
	char dir[CA_DIR_BYTES_MAX + 1];
	char error[CA_ERROR_SIZE];
};

struct ca_hosts {
	const char *name[CA_HOSTS_MAX];
	int count;
};

/* ---- ca_x509.c: keys and certificates, no files ---- */

enum ca_role { CA_ROOT, CA_STORE, CA_DEVICE, CA_HQ, CA_BROKER };

struct ca_request {
	enum ca_role role;
	const char *cn;     /* common name of the subject */
	const char *serial; /* serialNumber of the subject: the device; NULL: none */
	const char *store;  /* CA_STORE: the only store it may sign for */
	const char *san;    /* CA_BROKER: its names, "DNS:a,IP:b" */
	EVP_PKEY *key;
	X509 *issuer; /* NULL: signed by itself */
	EVP_PKEY *issuer_key;
};

/* NULL: OpenSSL refused. The caller frees it. */
X509 *ca_x509_issue(const struct ca_request *request);
/* "EC" (P-256), "X25519" or "ED25519". */
EVP_PKEY *ca_x509_key(const char *type);
/* Day of expiry as "2036-11-19". */
void ca_x509_until(const X509 *cert, char out[11]);
/* Does it carry this host name or IP address? */
bool ca_x509_has_host(X509 *cert, const char *host);

/* ---- ca_file.c: PEM files; every failure leaves a sentence in ca->error ---- */

bool ca_exists(const char *path);
int ca_folder(struct ca *ca, const char *path); /* made with mode 0700 if it is missing */
int ca_sync_folder(struct ca *ca, const char *path);

/* Write a file that must not be there yet; whole or not at all. Private keys get mode 0600. */
int ca_put_private(struct ca *ca, const char *path, const EVP_PKEY *key);
int ca_put_public(struct ca *ca, const char *path, const EVP_PKEY *key);
int ca_put_certs(struct ca *ca, const char *path, X509 *cert,
                 X509 *issuer);                                     /* issuer may be NULL */
int ca_put_copy(struct ca *ca, const char *path, const char *from); /* of a public PEM file */
int ca_put_secret(struct ca *ca, const char *path); /* 32 random bytes as hex, mode 0600 */

/* NULL if it cannot be read. The caller frees it. */
EVP_PKEY *ca_get_private(struct ca *ca, const char *path);
X509 *ca_get_cert(struct ca *ca, const char *path);

/* ---- ca_make.c: what signs ---- */

/* A key and a certificate that sign. */
struct ca_signer {
	EVP_PKEY *key;
	X509 *cert;
};

/* name.key and name.crt of the folder. To be freed also after -1. */
int ca_signer_load(struct ca *ca, struct ca_signer *s, const char *name);
void ca_signer_free(struct ca_signer *s);
/* 0 if `init` has been run here, else -1 with the sentence that says so. */
int ca_need_root(struct ca *ca);
/* A store's intermediate, made if it is missing. */
int ca_ensure_store(struct ca *ca, const char *store);
/* Issue and write; chain: the issuer, an intermediate, stands behind it. */
int ca_put_issued(struct ca *ca, const char *path, const struct ca_request *request, bool chain);
int ca_openssl_fault(struct ca *ca, const char *path);
void ca_say(const char *path, bool made); /* one line on standard output */

/* ---- ca_make.c, ca_device.c, ca_show.c: the subcommands. 0, or -1 with ca->error ---- */

int ca_init(struct ca *ca, const struct ca_hosts *hosts);
int ca_store(struct ca *ca, const char *store);
/* out: the folder for the device's private files; NULL: stores/<store>/<device>/ of the CA's
 * folder. */
int ca_device(struct ca *ca, const char *store, const char *device, const char *out);
/* The signing key of a device that was set up without one: device-sign.key into out (or into the
 * CA's folder of the device), device-sign.pub for HQ. */
int ca_sign(struct ca *ca, const char *store, const char *device, const char *out);
int ca_acl(struct ca *ca);
int ca_list(struct ca *ca);

/* path = dir/<printf of the rest>; false (with ca->error) if it is too long. */
bool ca_path(struct ca *ca, char out[CA_PATH_SIZE], const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
