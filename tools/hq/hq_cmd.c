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
#include "hq/hq_prove.h"
#include "hq/hq_serve.h"
#include "hq/hq_status.h"
#include "store/db.h"

#define HQ_CMD_ERR_SIZE 640

enum { EXIT_GOOD = 0, EXIT_SOME_BAD = 1, EXIT_NOT_DONE = 2 };

struct arguments {
	const char *conf_path, *word, *second; /* the arguments that are no options */
	bool json, check;
};

static const struct option long_options[] = {
    {"config", required_argument, NULL, 'c'},
    {"json", no_argument, NULL, 'j'},
    {"check", no_argument, NULL, 'n'},
    {NULL, 0, NULL, 0},
};

/* What the arguments are called: NULL: there is none; with "[" in front it may be left out. */
struct words {
	const char *first, *second;
};

static bool take_word(int argc, char **argv, const char *name, const char **out)
{
	if (!name || optind < argc) {
		*out = name ? argv[optind++] : NULL;
		return true;
	}
	if (name[0] == '[')
		return true;
	fprintf(stderr, "laneway-hq %s: %s is missing\n", argv[0], name);
	return false;
}

static int read_arguments(int argc, char **argv, struct words words, struct arguments *out)
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
	if (!take_word(argc, argv, words.first, &out->word) ||
	    !take_word(argc, argv, words.second, &out->second))
		return -1;
	if (optind == argc)
		return 0;
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

	if (read_arguments(argc, argv, (struct words){0}, &a) != 0)
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

	if (read_arguments(argc, argv, (struct words){"the CSV file", NULL}, &a) != 0)
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

	if (read_arguments(argc, argv, (struct words){profile ? "the customer's id" : NULL, NULL},
	                   &a) != 0)
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

/* What prove and statements look at. */
struct looking {
	struct arguments a;
	struct hq_conf *conf;
	struct hq_keys *keys;
	struct sqlite3 *db;
};

static int look(int argc, char **argv, struct words words, struct looking *l)
{
	char err[HQ_CMD_ERR_SIZE];

	if (read_arguments(argc, argv, words, &l->a) != 0)
		return -1;
	l->conf = read_conf(argv[0], l->a.conf_path);
	if (!l->conf)
		return -1;
	l->db = open_reader(argv[0], l->conf);
	if (!l->db)
		return -1;
	if (hq_keys_open(&l->keys, l->conf->keys, err, sizeof err) == 0)
		return 0;
	fprintf(stderr, "laneway-hq %s: %s\n", argv[0], err);
	return -1;
}

static void look_away(struct looking *l)
{
	hq_keys_free(l->keys);
	if (l->db)
		db_close_reader(l->db);
	hq_conf_free(l->conf);
}

int hq_cmd_prove(int argc, char **argv)
{
	struct looking l = {0};
	char err[HQ_CMD_ERR_SIZE];
	json_t *proof = NULL;
	int rc = EXIT_NOT_DONE;

	if (look(argc, argv, (struct words){"the store", "the day"}, &l) != 0)
		goto done;
	proof = hq_prove_day(l.db, l.keys, l.a.word, l.a.second, err, sizeof err);
	if (!proof)
		fprintf(stderr, "laneway-hq prove: %s\n", err);
	else
		rc = json_is_true(json_object_get(proof, "proven")) ? EXIT_GOOD : EXIT_SOME_BAD;
	if (proof)
		print_object(&l.a, proof, hq_prove_print);
done:
	look_away(&l);
	return rc;
}

int hq_cmd_statements(int argc, char **argv)
{
	struct looking l = {0};
	int rc = EXIT_NOT_DONE;

	if (look(argc, argv, (struct words){"[STORE]", NULL}, &l) == 0)
		rc = print_object(&l.a, hq_prove_list(l.db, l.a.word), hq_prove_print_list);
	look_away(&l);
	return rc;
}
