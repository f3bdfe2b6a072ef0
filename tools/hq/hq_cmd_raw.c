/* laneway-hq forks, quarantine, restored. */
#include <getopt.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "hq/hq_act.h"
#include "hq/hq_cmd.h"
#include "hq/hq_conf.h"
#include "hq/hq_raw.h"
#include "store/db.h"

#define HQ_CMD_ERR_SIZE 640

enum { EXIT_GOOD = 0, EXIT_SOME_BAD = 1, EXIT_NOT_DONE = 2 };

struct arguments {
	const char *command, *conf_path;
	const char *words[2];
	int word_count;
	const char *raw, *settle;
	bool json;
};

static const struct option long_options[] = {
    {"config", required_argument, NULL, 'c'},
    {"json", no_argument, NULL, 'j'},
    {"raw", required_argument, NULL, 'r'},
    {"settle", required_argument, NULL, 's'},
    {NULL, 0, NULL, 0},
};

static int read_arguments(int argc, char **argv, int words_max, struct arguments *out)
{
	int opt;

	*out = (struct arguments){.command = argv[0], .conf_path = HQ_CONF_DEFAULT};
	optind = 1;
	while ((opt = getopt_long(argc, argv, "c:j", long_options, NULL)) != -1) {
		if (opt == 'c')
			out->conf_path = optarg;
		else if (opt == 'j')
			out->json = true;
		else if (opt == 'r')
			out->raw = optarg;
		else if (opt == 's')
			out->settle = optarg;
		else
			return -1;
	}
	while (optind < argc && out->word_count < words_max)
		out->words[out->word_count++] = argv[optind++];
	if (optind == argc)
		return 0;
	fprintf(stderr, "laneway-hq %s: \"%s\" is too much\n", argv[0], argv[optind]);
	return -1;
}

static struct hq_conf *read_conf(const struct arguments *a)
{
	char err[HQ_CMD_ERR_SIZE];
	struct hq_conf *conf = NULL;

	if (hq_conf_read(a->conf_path, &conf, err, sizeof err) == 0)
		return conf;
	fprintf(stderr, "laneway-hq %s: %s\n", a->command, err);
	return NULL;
}

static int print(const struct arguments *a, json_t *o, void (*fn)(const json_t *))
{
	if (a->json && json_dumpf(o, stdout, JSON_COMPACT) == 0)
		putchar('\n');
	if (!a->json)
		fn(o);
	json_decref(o);
	return EXIT_GOOD;
}

static int show(const struct arguments *a, const struct hq_conf *conf,
                json_t *(*list)(struct sqlite3 *, const char *), void (*fn)(const json_t *))
{
	char path[sizeof conf->data + 16], err[HQ_CMD_ERR_SIZE];
	struct sqlite3 *db;
	json_t *one;
	int rc = EXIT_SOME_BAD;

	snprintf(path, sizeof path, "%s/hq.db", conf->data);
	if (db_open_reader(&db, path, err, sizeof err) != 0) {
		fprintf(stderr, "laneway-hq %s: %s\n", a->command, err);
		return EXIT_NOT_DONE;
	}
	if (!a->raw) {
		rc = print(a, list(db, a->words[0]), fn);
	} else {
		one = hq_raw_one(db, a->raw, err, sizeof err);
		if (one)
			rc = print(a, one, hq_raw_print_one);
		else
			fprintf(stderr, "laneway-hq %s: %s\n", a->command, err);
	}
	db_close_reader(db);
	return rc;
}

struct action {
	const char *name, *store, *epoch;
	void (*print)(const json_t *answer);
};

static int act(const struct arguments *a, const struct hq_conf *conf, const struct action *action)
{
	char err[HQ_CMD_ERR_SIZE];
	json_t *answer;

	log_open("laneway-hq", conf->log_level);
	answer = hq_act_call(conf, action->name, action->store, action->epoch, err, sizeof err);
	if (answer)
		return print(a, answer, action->print);
	fprintf(stderr, "laneway-hq %s: %s\n", a->command, err);
	return EXIT_NOT_DONE;
}

static void print_settled(const json_t *o)
{
	printf("%" JSON_INTEGER_FORMAT
	       " forked events are settled: they stay here, and their store "
	       "may let them go\n",
	       json_integer_value(json_object_get(o, "settled")));
}

static void print_retried(const json_t *o)
{
	json_int_t tried = json_integer_value(json_object_get(o, "tried"));
	json_int_t read = json_integer_value(json_object_get(o, "read"));
	json_int_t again = json_integer_value(json_object_get(o, "again"));

	printf("%" JSON_INTEGER_FORMAT " quarantined events tried, %" JSON_INTEGER_FORMAT
	       " can be read now, %" JSON_INTEGER_FORMAT " stay\n",
	       tried, read, tried - read);
	if (again > 0)
		printf("%" JSON_INTEGER_FORMAT
		       " events that counted for nothing are folded again\n",
		       again);
}

static void print_restored(const json_t *o)
{
	const char *generation = json_string_value(json_object_get(o, "generation"));

	printf("generation %s begins: every store asks what is held, sends again what is not, and "
	       "fetches its profiles anew\n",
	       generation ? generation : "?");
}

int hq_cmd_forks(int argc, char **argv)
{
	struct arguments a;
	struct hq_conf *conf;
	int rc;

	if (read_arguments(argc, argv, 1, &a) != 0)
		return EXIT_NOT_DONE;
	if (a.settle && !a.words[0]) {
		fprintf(stderr, "laneway-hq forks: --settle needs the store in front of it\n");
		return EXIT_NOT_DONE;
	}
	conf = read_conf(&a);
	if (!conf)
		return EXIT_NOT_DONE;
	if (a.settle)
		rc = act(&a, conf, &(struct action){"settle", a.words[0], a.settle, print_settled});
	else
		rc = show(&a, conf, hq_raw_forks, hq_raw_print_forks);
	hq_conf_free(conf);
	return rc;
}

int hq_cmd_quarantine(int argc, char **argv)
{
	struct arguments a;
	struct hq_conf *conf;
	int rc;

	if (read_arguments(argc, argv, 2, &a) != 0)
		return EXIT_NOT_DONE;
	bool retry = a.words[0] && strcmp(a.words[0], "retry") == 0;
	if (a.words[1] && !retry) {
		fprintf(stderr, "laneway-hq quarantine: \"%s\" is too much\n", a.words[1]);
		return EXIT_NOT_DONE;
	}
	conf = read_conf(&a);
	if (!conf)
		return EXIT_NOT_DONE;
	if (retry)
		rc = act(&a, conf, &(struct action){"retry", a.words[1], NULL, print_retried});
	else
		rc = show(&a, conf, hq_raw_quarantine, hq_raw_print_quarantine);
	hq_conf_free(conf);
	return rc;
}

int hq_cmd_restored(int argc, char **argv)
{
	struct arguments a;
	struct hq_conf *conf;
	int rc;

	if (read_arguments(argc, argv, 0, &a) != 0)
		return EXIT_NOT_DONE;
	conf = read_conf(&a);
	if (!conf)
		return EXIT_NOT_DONE;
	rc = act(&a, conf, &(struct action){"restored", NULL, NULL, print_restored});
	hq_conf_free(conf);
	return rc;
}
