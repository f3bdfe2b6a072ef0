/* `evaluate`: what linking and hints are worth. `duplicates`: whom a steward should look at. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "hq/hq_cmd.h"
#include "hq/hq_cmd_args.h"
#include "hq/hq_evaluate.h"

static const struct option evaluate_options[] = {
    {"json", no_argument, NULL, 'j'},
    {"curve", required_argument, NULL, 'u'},
    {"region", required_argument, NULL, 'g'},
    {"defaults", no_argument, NULL, 'd'},
    {NULL, 0, NULL, 0},
};

struct text {
	char *bytes;
	size_t len;
};

static int map_text(const char *path, struct text *out, char *err, size_t err_size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	int rc = -1;

	if (fd < 0 || fstat(fd, &st) != 0) {
		snprintf(err, err_size, "%s: %s", path, strerror(errno));
	} else if (!S_ISREG(st.st_mode) || st.st_size == 0) {
		snprintf(err, err_size, "%s: expected a file with a header row", path);
	} else {
		out->len = (size_t)st.st_size;
		out->bytes = mmap(NULL, out->len, PROT_READ, MAP_PRIVATE, fd, 0);
		rc = out->bytes == MAP_FAILED ? -1 : 0;
		if (rc != 0)
			snprintf(err, err_size, "%s: %s", path, strerror(errno));
	}
	if (fd >= 0)
		close(fd);
	return rc;
}

static int open_curve(const char *path, FILE **out, char *err, size_t err_size)
{
	*out = path ? fopen(path, "we") : NULL;
	if (!path || *out)
		return 0;
	snprintf(err, err_size, "%s: %s", path, strerror(errno));
	return -1;
}

static int close_curve(FILE *curve, const char *path, char *err, size_t err_size)
{
	if (!curve || fclose(curve) == 0)
		return 0;
	snprintf(err, err_size, "%s: %s", path, strerror(errno));
	return -1;
}

static int evaluate(const struct hq_cmd_args *a, char *err, size_t err_size)
{
	struct hq_labelled labelled = {0};
	struct ident_rules rules = {0};
	struct hq_evaluate_ask ask = {.defaults = a->defaults, .what = "laneway-hq evaluate"};
	char made[CLOCK_ISO8601_SIZE];
	json_t *answer = NULL;
	struct text text;
	int rc = -1;

	if (map_text(a->word, &text, err, err_size) != 0)
		return -1;
	if (!text_copy(rules.region, sizeof rules.region, a->region ? a->region : ""))
		snprintf(err, err_size, "--region: expected a country's two letters, such as DE");
	else if (hq_labelled_read(text.bytes, text.len, &rules, &labelled, err, err_size) == 0)
		rc = open_curve(a->curve, &ask.curve, err, err_size);
	if (rc == 0) {
		clock_iso8601(clock_wall_us(clock_system()), made);
		ask.made = made;
		answer = hq_evaluate(&labelled, &ask);
		rc = close_curve(ask.curve, a->curve, err, err_size);
		if (!answer)
			snprintf(err, err_size, "out of memory");
	}
	if (answer)
		hq_cmd_args_print(a, answer, hq_evaluate_print);
	hq_labelled_free(&labelled);
	munmap(text.bytes, text.len);
	return answer ? rc : -1;
}

int hq_cmd_evaluate(int argc, char **argv)
{
	char err[HQ_CMD_ERR_SIZE];
	struct hq_cmd_args a;

	if (hq_cmd_args_read(
	        argc, argv,
	        &(struct hq_cmd_form){"jdu:g:", evaluate_options, "the labelled CSV file", NULL},
	        &a) != 0)
		return EXIT_NOT_DONE;
	if (evaluate(&a, err, sizeof err) != 0)
		return hq_cmd_args_fail(&a, err);
	return EXIT_GOOD;
}
