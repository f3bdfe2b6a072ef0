/* laneway-hq forks, quarantine, restored. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "hq/base/hq_conf.h"
#include "hq/cmd/hq_cmd.h"
#include "hq/cmd/hq_cmd_args.h"
#include "hq/intake/hq_raw.h"
#include "hq/serve/hq_act.h"
#include "store/db.h"

static const struct option options[] = {
    {"config", required_argument, NULL, 'c'},
    {"json", no_argument, NULL, 'j'},
    {"raw", required_argument, NULL, 'r'},
    {"settle", required_argument, NULL, 's'},
    {NULL, 0, NULL, 0},
};

/* How many words it may have. */
static int read_arguments(int argc, char **argv, int words_max, struct hq_cmd_args *out)
{
	const struct hq_cmd_form form = {"c:j", options, words_max > 0 ? "[STORE]" : NULL,
	                                 words_max > 1 ? "[STORE]" : NULL};

	return hq_cmd_args_read(argc, argv, &form, out);
}

static int show(const struct hq_cmd_args *a, const struct hq_conf *conf,
                json_t *(*list)(struct sqlite3 *, const char *), void (*fn)(const json_t *))
{
	char err[HQ_CMD_ERR_SIZE] = "the database cannot be read";
	struct sqlite3 *db = hq_cmd_args_reader(a, conf);
	json_t *found;

	if (!db)
		return EXIT_NOT_DONE;
	found = a->raw ? hq_raw_one(db, a->raw, err, sizeof err) : list(db, a->word);
	if (found)
		hq_cmd_args_print(a, found, a->raw ? hq_raw_print_one : fn);
	else
		hq_cmd_args_fail(a, err);
	db_close_reader(db);
	return found ? EXIT_GOOD : EXIT_SOME_BAD;
}

struct action {
	const char *name, *store, *epoch;
	void (*print)(const json_t *answer);
};

static int act(const struct hq_cmd_args *a, const struct hq_conf *conf, const struct action *action)
{
	char err[HQ_CMD_ERR_SIZE];
	json_t *answer;

	log_open("laneway-hq", conf->log_level);
	answer = hq_act_call(conf, action->name, action->store, action->epoch, err, sizeof err);
	if (!answer)
		return hq_cmd_args_fail(a, err);
	hq_cmd_args_print(a, answer, action->print);
	return EXIT_GOOD;
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
	struct hq_cmd_args a;
	struct hq_conf *conf;
	int rc;

	if (read_arguments(argc, argv, 1, &a) != 0)
		return EXIT_NOT_DONE;
	if (a.settle && !a.word) {
		fprintf(stderr, "laneway-hq forks: --settle needs the store in front of it\n");
		return EXIT_NOT_DONE;
	}
	conf = hq_cmd_args_conf(&a);
	if (!conf)
		return EXIT_NOT_DONE;
	if (a.settle)
		rc = act(&a, conf, &(struct action){"settle", a.word, a.settle, print_settled});
	else
		rc = show(&a, conf, hq_raw_forks, hq_raw_print_forks);
	hq_conf_free(conf);
	return rc;
}

int hq_cmd_quarantine(int argc, char **argv)
{
	struct hq_cmd_args a;
	struct hq_conf *conf;
	int rc;

	if (read_arguments(argc, argv, 2, &a) != 0)
		return EXIT_NOT_DONE;
	bool retry = a.word && strcmp(a.word, "retry") == 0;
	if (a.second && !retry) {
		fprintf(stderr, "laneway-hq quarantine: \"%s\" is too much\n", a.second);
		return EXIT_NOT_DONE;
	}
	conf = hq_cmd_args_conf(&a);
	if (!conf)
		return EXIT_NOT_DONE;
	if (retry)
		rc = act(&a, conf, &(struct action){"retry", a.second, NULL, print_retried});
	else
		rc = show(&a, conf, hq_raw_quarantine, hq_raw_print_quarantine);
	hq_conf_free(conf);
	return rc;
}

int hq_cmd_restored(int argc, char **argv)
{
	struct hq_cmd_args a;
	struct hq_conf *conf;
	int rc;

	if (read_arguments(argc, argv, 0, &a) != 0)
		return EXIT_NOT_DONE;
	conf = hq_cmd_args_conf(&a);
	if (!conf)
		return EXIT_NOT_DONE;
	rc = act(&a, conf, &(struct action){"restored", NULL, NULL, print_restored});
	hq_conf_free(conf);
	return rc;
}
