/* r[n][k] = sum over t of x[n][t] x[n][t + k], divided by T; outside a frame the signal is 0.
 *
 * A frame is copied between zeros, so that no edge needs a thought. Lags are taken 2 W at a time, W samples at once: the piece that begins
 * at sample b + j is loaded once and multiplied with the pieces at b and at b - W, which serves the lags j and W + j. All sums of a group
 * stay in registers: 16 products for every 8 loads where W is 8.
 */
#include <string.h>

#if defined(__AVX512F__)
enum { W = 8 };
#elif defined(__AVX__)
enum { W = 4 };
#else
enum { W = 2 };
#endif
typedef double lanes __attribute__((vector_size(8 * W)));
typedef double unaligned __attribute__((vector_size(8 * W), aligned(8), may_alias));

static inline lanes load(const double *p) { return *(const unaligned *)p; }

static inline double total(lanes v)
{
    double part[W];
    memcpy(part, &v, sizeof part);
    for (int half = W / 2; half; half /= 2)
        for (int l = 0; l < half; l++) part[l] += part[l + half];
    return part[0];
}

/* x: N x T.  r: N x (order + 1).  work: W zeros, T anything, 3 W zeros. */
void autocorrelation(const double *x, long N, long T, long order, double *r, double *work)
{
    double *y = work + W;
    for (long n = 0; n < N; n++, x += T, r += order + 1) {
        memcpy(y, x, T * sizeof *y);
        lanes power = {0};
        for (long b = 0; b < T; b += W) {
            power += load(y + b) * load(y + b);
            __builtin_prefetch(x + T + b); /* the next frame, while this one is worked on */
        }
        r[0] = total(power) / T;
        for (long group = 0; group < order; group += 2 * W) {
            lanes near[W] = {0}, far[W] = {0}; /* lags group + 1 ... group + W, and the W after these */
            for (long b = group; b < T - 1; b += W) {
                lanes here = load(y + b - group), before = load(y + b - group - W);
#pragma GCC unroll 8
                for (int j = 0; j < W; j++) {
                    lanes later = load(y + b + j + 1);
                    near[j] += here * later;
                    far[j] += before * later;
                }
            }
            for (long j = 0; j < W && group + j < order; j++) r[group + j + 1] = total(near[j]) / T;
            for (long j = 0; j < W && group + W + j < order; j++) r[group + W + j + 1] = total(far[j]) / T;
        }
    }
}
