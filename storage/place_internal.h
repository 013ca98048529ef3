/* What the files of place share: names and folders (place.c), making one file (place_entry.c). */
#ifndef STORAGE_PLACE_INTERNAL_H
#define STORAGE_PLACE_INTERNAL_H

#include <sys/stat.h>

#include "storage/place.h"

/* Where an entry goes. */
struct spot {
	char *path; /* cleaned, relative; "." = the destination itself */
	char *shown; /* whole path, for errors */
	int at; /* its parent; the placer's */
	const char *last; /* within path */
	bool exists;
	struct stat st; /* of what is there */
};

/* The parent folder of a clean relative path, made where it is missing. Borrowed until the next. */
int place_parent(struct placer *p, const char *path, const char **last, struct err *e);
/* -errno without words */
int place_open_folder(const struct placer *p, const char *path);
/* Remembers what a folder will be. */
void place_folder_add(struct placer *p, const char *path, const struct tar_entry *en);

int place_regular(struct placer *p, const struct spot *s, const struct tar_entry *en,
	const struct place_content *c, struct err *e);
int place_other(struct placer *p, const struct spot *s, const struct tar_entry *en, struct err *e);
/* Owner and attributes of an open file or folder. */
int place_attributes(
	struct placer *p, const struct spot *s, int fd, const struct tar_entry *en, struct err *e);
/* Removes what stands at the spot. */
int place_make_room(const struct spot *s, struct err *e);

#endif
