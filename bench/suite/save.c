/*
 * save - a file that appears as a whole or not at all.
 */
#include "save.h"
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A new file beside the path, with the rights that open() would have given. */
static int make_temporary(struct save *save)
{
	if (asprintf(&save->temporary, "%s.XXXXXX", save->path) < 0) {
		save->temporary = NULL;
		return -ENOMEM;
	}
	int fd = mkostemp(save->temporary, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	mode_t mask = umask(0);
	umask(mask);
	fchmod(fd, 0666 & ~mask);
	save->file = fdopen(fd, "w");
	if (save->file)
		return 0;
	int error = -errno;
	close(fd);
	unlink(save->temporary);
	return error;
}

int save_begin(struct save *save, const char *path)
{
	struct stat status;
	bool exists = stat(path, &status) == 0;
	*save = (struct save){0};
	save->path = exists ? realpath(path, NULL) : strdup(path); /* through links, which stay */
	int error = save->path ? 0 : -errno;
	if (error == 0 && exists && !S_ISREG(status.st_mode)) {
		save->file = fopen(path, "we");
		error = save->file ? 0 : -errno;
	} else if (error == 0) {
		error = make_temporary(save);
	}
	if (error) {
		free(save->temporary);
		free(save->path);
	}
	return error;
}

int save_end(struct save *save, int status)
{
	if (ferror(save->file) && status == 0)
		status = -EIO;
	if (fclose(save->file) != 0 && status == 0)
		status = -errno;
	if (save->temporary && status == 0 && rename(save->temporary, save->path) != 0)
		status = -errno;
	if (save->temporary && status != 0)
		unlink(save->temporary);
	free(save->temporary);
	free(save->path);
	return status;
}
