#include "hq/cmd/hq_cmd.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "hq/base/hq_conf.h"
#include "hq/cmd/hq_cmd_args.h"
#include "hq/cmd/hq_import_file.h"
#include "hq/identity/hq_rules.h"
#include "hq/identity/hq_why.h"
#include "hq/prove/hq_prove.h"
#include "hq/serve/hq_serve.h"
#include "hq/serve/hq_status.h"
#include "store/db.h"

static const struct option options[] = {
    {"config", required_argument, NULL, 'c'},
    {"json", no_argument, NULL, 'j'},
    {"check", no_argument, NULL, 'n'},
    {"why", no_argument, NULL, 'w'},
    {NULL, 0, NULL, 0},
};

/* What the arguments are called, as in hq_cmd_form. */
static int read_arguments(int argc, char **argv, const char *first, const char *second,
                          struct hq_cmd_args *out)
{
	return hq_cmd_args_read(argc, argv, &(struct hq_cmd_form){"c:jnw", options, first, second},
	                        out);
}

int hq_cmd_run(int argc, char **argv)
{
	struct hq_cmd_args a;
	struct hq_conf *conf;
	int rc = EXIT_GOOD;

	if (read_arguments(argc, argv, NULL, NULL, &a) != 0)
		return EXIT_NOT_DONE;
	conf = hq_cmd_args_conf(&a);
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
	struct hq_cmd_args a;
	struct hq_conf *conf;
	int rc;

	if (read_arguments(argc, argv, "the CSV file", NULL, &a) != 0)
		return EXIT_NOT_DONE;
	conf = hq_cmd_args_conf(&a);
	if (!conf)
		return EXIT_NOT_DONE;
	log_open("laneway-hq", conf->log_level);
	rc = hq_import_file(conf, a.word, stdout, &sums, err, sizeof err);
	if (rc != 0)
		hq_cmd_args_fail(&a, err);
	else
		printf("%u rows: %u new / %u changed / %u same, %u bad\n",
		       sums.made + sums.changed + sums.same, sums.made, sums.changed, sums.same,
		       sums.bad);
	hq_conf_free(conf);
	return rc != 0 ? EXIT_NOT_DONE : sums.bad > 0 ? EXIT_SOME_BAD : EXIT_GOOD;
}

static int print_object(const struct hq_cmd_args *a, json_t *object, void (*print)(const json_t *))
{
	if (!object) {
		fprintf(stderr, "laneway-hq: %s is not known\n", a->word ? a->word : "the state");
		return EXIT_SOME_BAD;
	}
	hq_cmd_args_print(a, object, print);
	return EXIT_GOOD;
}

/* A line for each value, or the lines as a list. */
static int print_why(const struct hq_cmd_args *a, struct sqlite3 *db, const struct hq_conf *conf)
{
	struct buf text = {0};
	struct hq_rules rules;
	char err[HQ_CMD_ERR_SIZE] = "hq.db could not be read";
	int known = hq_rules_read(&rules, db, conf, err, sizeof err);
	json_t *lines;

	if (known == 0)
		known = hq_why(db, &rules.scope, a->word, &text);
	hq_rules_free(&rules);

	if (known == 0)
		fprintf(stderr, "laneway-hq: %s is not known\n", a->word);
	if (known < 0)
		hq_cmd_args_fail(a, err);
	if (known == 1 && !a->json)
		fwrite(text.data, 1, text.len, stdout);
	if (known == 1 && a->json) {
		lines = json_array();
		for (char *line = (char *)text.data, *end; line < (char *)text.data + text.len;
		     line = end + 1) {
			end = memchr(line, '\n', (size_t)((char *)text.data + text.len - line));
			if (!end)
				break;
			json_array_append_new(lines, json_stringn(line, (size_t)(end - line)));
		}
		hq_cmd_args_print(a, json_pack("{s:s,s:o}", "customer_id", a->word, "why", lines),
		                  NULL);
	}
	buf_free(&text);
	return known == 1 ? EXIT_GOOD : known == 0 ? EXIT_SOME_BAD : EXIT_NOT_DONE;
}

static int show(int argc, char **argv, bool profile)
{
	struct hq_cmd_args a;
	struct hq_conf *conf;
	struct sqlite3 *db;
	int rc = EXIT_NOT_DONE;

	if (read_arguments(argc, argv, profile ? "the customer's id" : NULL, NULL, &a) != 0)
		return EXIT_NOT_DONE;
	conf = hq_cmd_args_conf(&a);
	if (!conf)
		return EXIT_NOT_DONE;
	db = hq_cmd_args_reader(&a, conf);
	if (db && profile && a.why)
		rc = print_why(&a, db, conf);
	else if (db && profile)
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
	struct hq_cmd_args a;
	struct hq_conf *conf;
	struct hq_keys *keys;
	struct sqlite3 *db;
};

static int look(int argc, char **argv, const char *first, const char *second, struct looking *l)
{
	char err[HQ_CMD_ERR_SIZE];

	if (read_arguments(argc, argv, first, second, &l->a) != 0)
		return -1;
	l->conf = hq_cmd_args_conf(&l->a);
	if (!l->conf)
		return -1;
	l->db = hq_cmd_args_reader(&l->a, l->conf);
	if (!l->db)
		return -1;
	if (hq_keys_open(&l->keys, l->conf->keys, err, sizeof err) == 0)
		return 0;
	hq_cmd_args_fail(&l->a, err);
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

	if (look(argc, argv, "the store", "the day", &l) != 0)
		goto done;
	proof = hq_prove_day(l.db, l.keys, l.a.word, l.a.second, err, sizeof err);
	if (!proof)
		hq_cmd_args_fail(&l.a, err);
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

	if (look(argc, argv, "[STORE]", NULL, &l) == 0)
		rc = print_object(&l.a, hq_prove_list(l.db, l.a.word), hq_prove_print_list);
	look_away(&l);
	return rc;
}
