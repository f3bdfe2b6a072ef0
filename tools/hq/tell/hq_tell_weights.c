#include "hq/tell/hq_tell_weights.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "hq/hint/hq_weights.h"
#include "identity/score.h"

#define PATH_SIZE 256

struct hq_tell_weights {
	const char *dir;
	struct stat seen; /* of the file that was read; st_ino 0: none */
	char version[33];
	struct buf text;
};

struct hq_tell_weights *hq_tell_weights_new(const char *dir)
{
	struct hq_tell_weights *w = memory_zeroed(1, sizeof *w);

	if (w)
		w->dir = dir;
	return w;
}

void hq_tell_weights_free(struct hq_tell_weights *w)
{
	if (!w)
		return;
	buf_free(&w->text);
	free(w);
}

/* It is replaced by a file of its own name, so the inode is another one. */
static bool same(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* When they were made names them: two estimates may have one version word. */
static void read_anew(struct hq_tell_weights *w)
{
	struct score_model *m;
	char err[300];

	buf_reset(&w->text);
	w->version[0] = '\0';
	if (hq_weights_read(w->dir, &m, err, sizeof err) != 0) {
		log_error("stores are not told any weights: %s", err);
		return;
	}
	if (!m)
		return;
	score_model_shorten(m);
	score_model_write(m, &w->text);
	if (!w->text.failed && w->text.len <= SCORE_TOLD_BYTES_MAX)
		text_copy(w->version, sizeof w->version, score_model_made(m));
	score_model_free(m);
}

const char *hq_tell_weights_now(struct hq_tell_weights *w, const struct buf **text)
{
	char path[PATH_SIZE];
	struct stat now = {0};

	snprintf(path, sizeof path, "%s/hq.weights", w->dir);
	if (stat(path, &now) != 0)
		now = (struct stat){0};
	if (!same(&now, &w->seen)) {
		w->seen = now;
		read_anew(w);
	}
	*text = &w->text;
	return w->version;
}
