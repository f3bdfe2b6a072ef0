#include "hq/hint/hq_weights.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "identity/score.h"

#define PATH_SIZE 256
#define FILE_BYTES_MAX (4 * 1024 * 1024) /* some times what a model can be */

static int wrong(const char *path, char *err, size_t err_size)
{
	snprintf(err, err_size, "%s: %s", path, strerror(errno));
	return -1;
}

static int read_file(int fd, struct buf *out)
{
	ssize_t n = 1;

	while (n > 0 && out->len <= FILE_BYTES_MAX) {
		uint8_t *room = buf_room(out, 65536);
		if (!room)
			return -1;
		n = read(fd, room, 65536);
		out->len += n > 0 ? (size_t)n : 0;
	}
	return n < 0 ? -1 : 0;
}

int hq_weights_read(const char *dir, struct score_model **out, char *err, size_t err_size)
{
	char path[PATH_SIZE], why[200];
	struct buf text = {0};
	int fd, rc;

	*out = NULL;
	snprintf(path, sizeof path, "%s/hq.weights", dir);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : wrong(path, err, err_size);
	rc = read_file(fd, &text);
	if (rc != 0) {
		wrong(path, err, err_size);
	} else {
		*out = score_model_read((const char *)text.data, text.len, why, sizeof why);
		if (!*out)
			snprintf(err, err_size, "%s: %s; make it anew with --estimate", path, why);
	}
	close(fd);
	buf_free(&text);
	return *out ? 0 : -1;
}

/* Written and on the disk. */
static int put(int fd, const struct buf *text)
{
	for (size_t done = 0; done < text->len;) {
		ssize_t n = write(fd, text->data + done, text->len - done);
		if (n < 0)
			return -1;
		done += (size_t)n;
	}
	return fsync(fd);
}

int hq_weights_write(const char *dir, const struct score_model *m, char *err, size_t err_size)
{
	char path[PATH_SIZE], fresh[PATH_SIZE + 8];
	struct buf text = {0};
	int fd, rc = -1;

	snprintf(path, sizeof path, "%s/hq.weights", dir);
	snprintf(fresh, sizeof fresh, "%s.new", path);
	score_model_write(m, &text);
	fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd >= 0) {
		rc = text.failed ? -1 : put(fd, &text);
		rc = close(fd) == 0 ? rc : -1;
	}
	if (rc == 0)
		rc = rename(fresh, path);
	if (rc != 0)
		wrong(path, err, err_size);
	buf_free(&text);
	return rc;
}
