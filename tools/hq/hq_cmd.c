#include "hq/hq_cmd.h"

#include <getopt.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "hq/hq_conf.h"
#include "hq/hq_import_file.h"
#include "hq/hq_serve.h"
#include "hq/hq_status.h"
#include "store/db.h"

#define HQ_CMD_ERR_SIZE 640

enum { EXIT_GOOD = 0, EXIT_SOME_BAD = 1, EXIT_NOT_DONE = 2 };

struct arguments {
	const char *conf_path, *word; /* word: the one argument that is no option */
	bool json, check;
};

static const struct option long_options[] = {
    {"config", required_argument, NULL, 'c'},
    {"json", no_argument, NULL, 'j'},
    {"check", no_argument, NULL, 'n'},
    {NULL, 0, NULL, 0},
};

/* needs_word: what the argument is called, or NULL when there is none. */
static int read_arguments(int argc, char **argv, const char *needs_word, struct arguments *out)
{
	int opt;

	*out = (struct arguments){.conf_path = HQ_CONF_DEFAULT};
	optind = 1;
	while ((opt = getopt_long(argc, argv, "c:jn", long_options, NULL)) != -1) {
		if (opt == 'c')
			out->conf_path = optarg;
		else if (opt == 'j')
			out->json = true;
		else if (opt == 'n')
			out->check = true;
		else
			return -1;
	}
	if (needs_word && optind < argc)
		out->word = argv[optind++];
	if (optind == argc && (!needs_word || out->word))
		return 0;
	if (needs_word && !out->word)
		fprintf(stderr, "laneway-hq %s: %s is missing\n", argv[0], needs_word);
	else
		fprintf(stderr, "laneway-hq %s: \"%s\" is too much\n", argv[0], argv[optind]);
	return -1;
}

static struct hq_conf *read_conf(const char *command, const char *path)
{
	char err[HQ_CMD_ERR_SIZE];
	struct hq_conf *conf = NULL;

	if (hq_conf_read(path, &conf, err, sizeof err) == 0)
		return conf;
	fprintf(stderr, "laneway-hq %s: %s\n", command, err);
	return NULL;
}

int hq_cmd_run(int argc, char **argv)
{
	struct arguments a;
	struct hq_conf *conf;
	int rc = EXIT_GOOD;

	if (read_arguments(argc, argv, NULL, &a) != 0)
		return EXIT_NOT_DONE;
	conf = read_conf("run", a.conf_path);
	if (!conf)
		return EXIT_NOT_DONE;
	log_open("laneway-hq", conf->log_level);
	if (!a.check)
		rc = hq_serve(conf);
	hq_conf_free(conf);
	return rc;
}

int hq_cmd_import(int argc, char **argv)
{
	char err[HQ_CMD_ERR_SIZE];
	struct hq_import_sums sums = {0};
	struct arguments a;
	struct hq_conf *conf;
	int rc;

	if (read_arguments(argc, argv, "the CSV file", &a) != 0)
		return EXIT_NOT_DONE;
	conf = read_conf("import", a.conf_path);
	if (!conf)
		return EXIT_NOT_DONE;
	log_open("laneway-hq", conf->log_level);
	rc = hq_import_file(conf, a.word, stdout, &sums, err, sizeof err);
	if (rc != 0)
		fprintf(stderr, "laneway-hq import: %s\n", err);
	else
		printf("%u rows: %u new / %u changed / %u same, %u bad\n",
		       sums.made + sums.changed + sums.same, sums.made, sums.changed, sums.same,
		       sums.bad);
	hq_conf_free(conf);
	return rc != 0 ? EXIT_NOT_DONE : sums.bad > 0 ? EXIT_SOME_BAD : EXIT_GOOD;
}

static struct sqlite3 *open_reader(const char *command, const struct hq_conf *conf)
{
	char path[sizeof conf->data + 16], err[HQ_CMD_ERR_SIZE];
	struct sqlite3 *db;

	snprintf(path, sizeof path, "%s/hq.db", conf->data);
	if (db_open_reader(&db, path, err, sizeof err) == 0)
		return db;
	fprintf(stderr, "laneway-hq %s: %s\n", command, err);
	return NULL;
}

static int print_object(const struct arguments *a, json_t *object, void (*print)(const json_t *))
{
	if (!object) {
		fprintf(stderr, "laneway-hq: %s is not known\n", a->word ? a->word : "the state");
		return EXIT_SOME_BAD;
	}
	if (a->json && json_dumpf(object, stdout, JSON_COMPACT) == 0)
		putchar('\n');
	if (!a->json)
		print(object);
	json_decref(object);
	return EXIT_GOOD;
}

static int show(int argc, char **argv, bool profile)
{
	struct arguments a;
	struct hq_conf *conf;
	struct sqlite3 *db;
	int rc = EXIT_NOT_DONE;

	if (read_arguments(argc, argv, profile ? "the customer's id" : NULL, &a) != 0)
		return EXIT_NOT_DONE;
	conf = read_conf(argv[0], a.conf_path);
	if (!conf)
		return EXIT_NOT_DONE;
	db = open_reader(argv[0], conf);
	if (db && profile)
		rc = print_object(&a, hq_status_profile(db, a.word), hq_status_print_profile);
	else if (db)
		rc = print_object(&a, hq_status_read(db), hq_status_print);
	if (db)
		db_close_reader(db);
	hq_conf_free(conf);
	return rc;
}

int hq_cmd_status(int argc, char **argv)
{
	return show(argc, argv, false);
}

int hq_cmd_profile(int argc, char **argv)
{
	return show(argc, argv, true);
}
