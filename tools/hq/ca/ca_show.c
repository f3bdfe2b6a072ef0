#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "hq/ca/ca_internal.h"

static const char rules[] =
    "# Access rules for mosquitto (acl_file). They need in its configuration:\n"
    "#   cafile DIR/root.crt, certfile DIR/broker.crt, keyfile DIR/broker.key\n"
    "#   require_certificate true, use_identity_as_username true\n"
    "# A store writes what goes up and asks, and reads what HQ says, under its own name only: the\n"
    "# common name of its certificate, which its intermediate cannot give to another store.\n"
    "user laneway.hq\n"
    "topic read laneway/1/+/up\n"
    "topic read laneway/1/+/ask\n"
    "topic write laneway/1/+/confirm\n"
    "topic write laneway/1/+/tell\n"
    "topic write laneway/1/+/poke\n"
    "\n"
    "pattern write laneway/1/%u/up\n"
    "pattern write laneway/1/%u/ask\n"
    "pattern read laneway/1/%u/confirm\n"
    "pattern read laneway/1/%u/tell\n"
    "pattern read laneway/1/%u/poke\n";

int ca_acl(struct ca *ca)
{
	if (ca_need_root(ca) != 0)
		return -1;
	fputs(rules, stdout);
	return 0;
}

static int show(struct ca *ca, const char *what, const char *file)
{
	char path[CA_PATH_SIZE], until[11];
	X509 *cert = ca_path(ca, path, "%s", file) ? ca_get_cert(ca, path) : NULL;

	if (cert == NULL)
		return -1;
	ca_x509_until(cert, until);
	printf("%-40s until %s\n", what, until);
	X509_free(cert);
	return 0;
}

static int is_name(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static void free_list(struct dirent **list, int n)
{
	for (int i = 0; i < n; i++)
		free(list[i]);
	free(list);
}

/* A device is a folder of its store with a certificate in it. */
static int show_devices(struct ca *ca, const char *store)
{
	char path[CA_PATH_SIZE], what[96], file[600];
	struct dirent **list = NULL;
	int rc = 0, n;

	if (!ca_path(ca, path, "stores/%s", store))
		return -1;
	n = scandir(path, &list, is_name, alphasort);
	for (int i = 0; rc == 0 && i < n; i++) {
		snprintf(what, sizeof(what), "device %.33s %.33s", store, list[i]->d_name);
		snprintf(file, sizeof(file), "stores/%.33s/%.64s/tls.crt", store, list[i]->d_name);
		if (!ca_path(ca, path, "%s", file))
			rc = -1;
		else if (ca_exists(path))
			rc = show(ca, what, file);
	}
	free_list(list, n);
	return rc;
}

int ca_list(struct ca *ca)
{
	char path[CA_PATH_SIZE], what[96], file[320];
	struct dirent **list = NULL;
	int rc, n;

	if (show(ca, "root", "root.crt") != 0 || show(ca, "hq", "hq.crt") != 0 ||
	    show(ca, "broker", "broker.crt") != 0 || !ca_path(ca, path, "stores"))
		return -1;
	rc = 0;
	n = scandir(path, &list, is_name, alphasort);
	for (int i = 0; rc == 0 && i < n; i++) {
		snprintf(what, sizeof(what), "store %.33s", list[i]->d_name);
		snprintf(file, sizeof(file), "stores/%s/store.crt", list[i]->d_name);
		rc = show(ca, what, file);
		if (rc == 0)
			rc = show_devices(ca, list[i]->d_name);
	}
	free_list(list, n);
	return rc;
}
