/* image_like: what is here that is like a name which is not: hints for errors. */
#ifndef ENGINE_IMAGE_LIKE_H
#define ENGINE_IMAGE_LIKE_H

struct err;
struct store;

/* Adds "did you mean debian:12?" to the hint of an error about the image that was typed, where a
 * local name is like it: the same repository with another tag, the same last part, or a few letters
 * off. Returns -e->code. */
int image_like_hint(struct store *s, const char *typed, struct err *e);
/* The same after a pull has failed: also which registry was asked, where it has no such image and
 * no hint says more. */
int image_like_pull_hint(struct store *s, const char *typed, struct err *e);
/* Of an error about a word that is no name: what was probably meant (without "https://", in lower
 * case, without a colon at the end), or what a name looks like. Returns -e->code. */
int image_name_hint(const char *typed, struct err *e);

#endif
