/* admit: may this image be used? What policy.json (registry/policy.h) asks for is looked for and
 * checked before a layer is fetched or a loaded image is committed.
 *
 * Signatures are fetched from the place that gives the image, read by an unpacker, and each is
 * verified by an unpacker of its own; what it says was signed is compared here. A signature of the
 * manifest counts, and so does one of the index that names the manifest by its digest.
 *
 * -EKEYREJECTED: the policy rejects the image, whoever gives it. -ENOKEY: no signature here that
 * counts; another place may have one. Both in the words of the tools that the policy file comes
 * from ("Source image rejected: ...").
 */
#ifndef ENGINE_TRANSFER_ADMIT_H
#define ENGINE_TRANSFER_ADMIT_H

struct err;
struct fetcher;
struct reference;
struct store;
struct transport;

struct admit_image {
	struct store *store;
	struct fetcher *fetcher; /* of the place that gives the image */
	const struct reference *ref; /* the name that the image gets */
	const char *digest,
		*top_digest; /* of its manifest, and of what led to it (may be the same) */
};
/* Is the policy there and well-formed? Asked before anybody is asked for an image.
 * policy_file: --signature-policy, or NULL. */
int admit_ready(const char *policy_file, struct err *e);
int admit_pulled(const struct admit_image *image, const char *policy_file, struct err *e);
/* An image from an archive: transport "docker-archive" or "oci-archive", or "tarball", a file system
 * that is imported; path NULL = stdin. */
int admit_archive(const char *transport, const char *path, const char *policy_file, struct err *e);
/* An image that a transport names, by the scopes that transport has (containers-policy.json(5)). */
int admit_transport(const struct transport *t, const char *policy_file, struct err *e);

#endif
