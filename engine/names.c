#include "engine/names.h"

#include <stdint.h>
#include <string.h>

#include "base/scope.h"
#include "base/str.h"

// clang-format off
static const char *const adjectives[] = {
	"able", "agile", "airy", "alert", "amber", "ample", "apt", "ardent", "astute", "avid",
	"balmy", "bold", "brave", "breezy", "brief", "bright", "brisk", "calm", "candid", "careful",
	"cheery", "civil", "classy", "clear", "clever", "cosmic", "cosy", "crisp", "curious", "dapper",
	"daring", "deft", "dewy", "dreamy", "eager", "earnest", "easy", "elated", "elegant", "exact",
	"fair", "fancy", "fearless", "festive", "fine", "firm", "fleet", "fluent", "fond", "frank",
	"free", "fresh", "gentle", "gifted", "glad", "golden", "graceful", "grand", "green", "happy",
	"hardy", "hearty", "helpful", "honest", "hopeful", "humble", "ideal", "jolly", "jovial", "keen",
	"kind", "lively", "loyal", "lucid", "lucky", "mellow", "merry", "mighty", "mild", "mossy",
	"neat", "nimble", "noble", "novel", "open", "patient", "placid", "plucky", "polite", "prompt",
	"proud", "quick", "quiet", "quirky", "radiant", "ready", "robust", "rosy", "serene", "sharp",
	"silent", "sleek", "smart", "snug", "solid", "steady", "sunny", "swift", "tender", "thrifty",
	"tidy", "tranquil", "trusty", "upbeat", "valiant", "vivid", "warm", "wise", "witty", "zesty",
};
static const char *const surnames[] = {
	"abel", "agnesi", "aiken", "allen", "alhazen", "ampere", "anning", "apgar", "archimedes",
	"aryabhata", "avicenna", "avogadro", "babbage", "backus", "banach", "banneker", "banting",
	"bardeen", "bartik", "bassi", "bayes", "becquerel", "bell", "bellman", "bernoulli", "berzelius",
	"bessel", "bhaskara", "blackwell", "bohr", "boltzmann", "boole", "borlaug", "bose", "boyle",
	"brahe", "brouwer", "brown", "burnell", "cantor", "carnot", "carson", "cauchy", "cavendish",
	"cerf", "chandrasekhar", "chatelet", "chebyshev", "church", "clarke", "codd", "cohn",
	"copernicus", "cori", "coulomb", "cray", "crick", "curie", "cuvier", "dahl", "dalton", "darwin",
	"davy", "dedekind", "descartes", "dijkstra", "dirac", "doppler", "easley", "eckert", "edison",
	"einstein", "elion", "engelbart", "eratosthenes", "erdos", "euclid", "euler", "faraday",
	"fermat", "fermi", "feynman", "fibonacci", "fisher", "fleming", "flowers", "floyd", "foucault",
	"fourier", "franklin", "fresnel", "galilei", "galois", "galvani", "gauss", "germain", "gibbs",
	"goedel", "goldberg", "goldstine", "goodall", "gray", "halley", "hamilton", "hamming", "harvey",
	"hawking", "heisenberg", "helmholtz", "henry", "herschel", "hertz", "hilbert", "hipparchus",
	"hoare", "hodgkin", "hollerith", "hooke", "hopper", "hubble", "humboldt", "huxley", "huygens",
	"hypatia", "iverson", "jackson", "jacobi", "jacquard", "jenner", "johnson", "joliot", "joule",
	"kahn", "kalman", "kapitsa", "keller", "kelvin", "kepler", "khayyam", "kilby", "kirchhoff",
	"klein", "knuth", "koch", "kolmogorov", "kovalevskaya", "kwolek", "lagrange", "lamarr",
	"lamport", "landau", "laplace", "lavoisier", "leavitt", "legendre", "leibniz", "linnaeus",
	"lovelace", "lyell", "mandelbrot", "marconi", "markov", "maxwell", "mccarthy", "mcclintock",
	"meitner", "mendel", "mendeleev", "metcalfe", "minkowski", "mirzakhani", "mitchell", "morse",
	"napier", "naur", "newton", "nobel", "noether", "noyce", "nygaard", "ohm", "oersted",
	"oppenheimer", "ostrom", "pascal", "pasteur", "pauli", "pauling", "pavlov", "payne", "peano",
	"perlis", "perlman", "planck", "poincare", "poisson", "ptolemy", "pythagoras", "raman",
	"ramanujan", "rayleigh", "riemann", "ritchie", "roentgen", "rubin", "russell", "rutherford",
	"sagan", "salk", "sammet", "schrodinger", "shannon", "simon", "sinoussi", "snell", "somerville",
	"stirling", "stokes", "sutherland", "swartz", "tarski", "tesla", "thales", "thompson", "torricelli",
	"tu", "turing", "villani", "volta", "wallis", "watson", "watt", "weierstrass", "wiener",
	"wilkes", "wilson", "wing", "wirth", "wu", "yalow", "young", "yukawa", "zuse",
};
// clang-format on

static const char *pick(const char *const *words, size_t n)
{
	uint32_t r;
	random_bytes(&r, sizeof(r));
	return words[r % n];
}

char *name_generate(int retry)
{
	const char *a = pick(adjectives, ARRAY_LEN(adjectives));
	const char *s = pick(surnames, ARRAY_LEN(surnames));
	uint32_t r;
	if (retry == 0)
		return xasprintf("%s_%s", a, s);
	random_bytes(&r, sizeof(r));
	return xasprintf("%s_%s%u", a, s, r % 10);
}
