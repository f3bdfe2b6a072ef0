#include "hq/ca/ca.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "hq/ca/ca_internal.h"

#define USAGE_STATUS 2
#define HOST_CHARS_MAX 253 /* of a name in DNS */

struct args {
	const char *name[3]; /* DIR, STORE, DEVICE */
	int count;
	struct ca_hosts hosts;
	const char *out;
};

struct command {
	const char *name;
	int names; /* how many of DIR, STORE, DEVICE it takes */
	bool takes_hosts, takes_out;
	int (*run)(struct ca *ca, const struct args *a);
};

static int run_init(struct ca *ca, const struct args *a)
{
	return ca_init(ca, &a->hosts);
}

static int run_store(struct ca *ca, const struct args *a)
{
	return ca_store(ca, a->name[1]);
}

static int run_device(struct ca *ca, const struct args *a)
{
	return ca_device(ca, a->name[1], a->name[2], a->out);
}

static int run_sign(struct ca *ca, const struct args *a)
{
	return ca_sign(ca, a->name[1], a->name[2], a->out);
}

static int run_acl(struct ca *ca, const struct args *a)
{
	(void)a;
	return ca_acl(ca);
}

static int run_list(struct ca *ca, const struct args *a)
{
	(void)a;
	return ca_list(ca);
}

static const struct command commands[] = {
    {"init", 1, true, false, run_init},     {"store", 2, false, false, run_store},
    {"device", 3, false, true, run_device}, {"sign", 3, false, true, run_sign},
    {"acl", 1, false, false, run_acl},      {"list", 1, false, false, run_list},
};

static void help(FILE *f)
{
	fputs("usage: laneway-hq ca init DIR [--broker HOST]...\n"
	      "       laneway-hq ca store DIR STORE\n"
	      "       laneway-hq ca device DIR STORE DEVICE [--out FOLDER]\n"
	      "       laneway-hq ca sign DIR STORE DEVICE [--out FOLDER]\n"
	      "       laneway-hq ca acl DIR\n"
	      "       laneway-hq ca list DIR\n"
	      "\n"
	      "Keys and certificates of the fleet, in the folder DIR. Nothing is ever replaced.\n"
	      "\n"
	      "init    the root (10 years), HQ's certificate and keys, the broker's certificate (2 "
	      "years)\n"
	      "        for localhost, 127.0.0.1 and each --broker HOST (a name or an IP address). "
	      "What\n"
	      "        exists stays as it is: run it again to go on, or after taking a .crt away "
	      "to have\n"
	      "        it made anew from its key\n"
	      "store   a store's intermediate (5 years), which can sign for this store only\n"
	      "device  a device's keys and certificate (2 years), into DIR/stores/STORE/DEVICE; "
	      "with\n"
	      "        --out its private keys go to FOLDER only. Makes the store if it is missing\n"
	      "sign    the key that a device closes its days with, for a device that was set up "
	      "before\n"
	      "        there were such keys: device-sign.key goes into its keys folder, then "
	      "restart it\n"
	      "acl     print mosquitto's access rules (acl_file)\n"
	      "list    what there is, and until when it is valid\n"
	      "\n"
	      "STORE and DEVICE match [a-z0-9-]{1,32}. Keep root.key and hq-*.key in a safe place: "
	      "with\n"
	      "them gone, every device has to be set up again.\n",
	      f);
}

static bool name_ok(const char *name)
{
	size_t n = strlen(name);

	return n >= 1 && n <= CA_NAME_CHARS_MAX &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == n;
}

static bool host_ok(const char *host)
{
	struct in6_addr ip;
	size_t n = strlen(host);

	if (strchr(host, ':') != NULL)
		return inet_pton(AF_INET6, host, &ip) == 1;
	return n >= 1 && n <= HOST_CHARS_MAX &&
	       strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:") ==
	           n;
}

static int wrong(const char *what, const char *expected)
{
	fprintf(stderr, "laneway-hq ca: %s: expected %s\n", what, expected);
	return -1;
}

static int read_option(struct args *a, int option, const char *value)
{
	if (option == 'b') {
		if (a->hosts.count == CA_HOSTS_MAX)
			return wrong("--broker", "at most 16 of them");
		if (!host_ok(value))
			return wrong(value, "a host name or an IP address");
		a->hosts.name[a->hosts.count++] = value;
		return 0;
	}
	a->out = value;
	return 0;
}

/* 0 read, 1 help was asked for, -1 wrong. */
static int read_args(struct args *a, int argc, char **argv)
{
	static const struct option options[] = {{"broker", required_argument, NULL, 'b'},
	                                        {"out", required_argument, NULL, 'o'},
	                                        {"help", no_argument, NULL, 'h'},
	                                        {0}};
	int option;

	optind = 0;
	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (option == 'h')
			return 1;
		if (option == '?' || read_option(a, option, optarg) != 0)
			return -1;
	}
	for (; optind < argc; optind++) {
		if (a->count == (int)(sizeof(a->name) / sizeof(a->name[0])))
			return wrong(argv[optind], "no more arguments");
		a->name[a->count++] = argv[optind];
	}
	return 0;
}

static int check_args(const struct command *c, const struct args *a)
{
	static const char *const missing[] = {"DIR", "DIR and STORE", "DIR, STORE and DEVICE"};

	if (a->count != c->names)
		return wrong(c->name, missing[c->names - 1]);
	if (a->hosts.count > 0 && !c->takes_hosts)
		return wrong("--broker", "only with init");
	if (a->out != NULL && !c->takes_out)
		return wrong("--out", "only with device and sign");
	if (a->name[0][0] == '\0' || (a->out != NULL && a->out[0] == '\0'))
		return wrong("folder", "a path");
	for (int i = 1; i < a->count; i++) {
		if (!name_ok(a->name[i]))
			return wrong(a->name[i], "[a-z0-9-]{1,32}");
	}
	return 0;
}

static int run(const struct command *c, const struct args *a)
{
	struct ca ca = {0};

	if (!text_copy(ca.dir, sizeof(ca.dir), a->name[0]))
		snprintf(ca.error, sizeof(ca.error), "the folder's path is too long");
	else if (c->run(&ca, a) == 0)
		return 0;
	fflush(stdout);
	fprintf(stderr, "laneway-hq ca: %s\n", ca.error);
	return 1;
}

int ca_main(int argc, char **argv)
{
	struct args a = {0};

	for (size_t i = 0; argc > 1 && i < sizeof(commands) / sizeof(commands[0]); i++) {
		int rc;

		if (strcmp(argv[1], commands[i].name) != 0)
			continue;
		rc = read_args(&a, argc - 1, argv + 1);
		if (rc == 0 && check_args(&commands[i], &a) == 0)
			return run(&commands[i], &a);
		if (rc == 1)
			help(stdout);
		else
			fputs("`laneway-hq ca --help` explains it\n", stderr);
		return rc == 1 ? 0 : USAGE_STATUS;
	}
	if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
		help(stdout);
		return 0;
	}
	help(stderr);
	return USAGE_STATUS;
}
