/* The Levinson-Durbin recursion, W rows side by side, one a lane. */
#include <math.h>

#define ROUNDING (64 * 0x1p-52) /* as in the file of the same name in Python */

#if defined(__AVX512F__)
enum { W = 8 };
#elif defined(__AVX__)
enum { W = 4 };
#else
enum { W = 2 };
#endif
typedef double lanes __attribute__((vector_size(8 * W)));
typedef long long mask __attribute__((vector_size(8 * W)));

static inline lanes where(mask m, lanes yes, lanes no) { return (lanes)((m & (mask)yes) | (~m & (mask)no)); }
static inline lanes magnitude(lanes v) { return (lanes)((mask)v & 0x7fffffffffffffffLL); }

static inline int any(mask m)
{
    long long found = 0;
    for (int l = 0; l < W; l++) found |= m[l];
    return found != 0;
}

/* r: N x (M + 1).  a, k: N x M.  power: N.  work: (2 M + 1) vectors.  Returns the first row that is no autocorrelation, or -1. */
long levinson_durbin(const double *r, long N, long M, double *a_out, double *k_out, double *power_out, lanes *work)
{
    lanes *R = work, *a = work + M + 1;
    const lanes zero = {0}, one = zero + 1;
    for (long n = 0; n < N; n += W) {
        const long rows = N - n < W ? N - n : W;
        for (long i = 0; i <= M; i++)
            for (long l = 0; l < W; l++) R[i][l] = r[(n + (l < rows ? l : 0)) * (M + 1) + i];

        lanes power = R[0], bound = one;
        mask valid = (mask)(R[0] < zero + INFINITY), going;
        for (long i = 0; i <= M; i++) valid &= (mask)(magnitude(R[i]) <= R[0]);
        going = valid;
        for (long i = 1; i <= M; i++) {
            lanes even = R[i], odd = zero; /* two sums, so that one product need not wait for the one before */
            for (long m = 1; m + 1 < i; m += 2) {
                even += a[m - 1] * R[i - m];
                odd += a[m] * R[i - m - 1];
            }
            if (i % 2 == 0) even += a[i - 2] * R[1];
            lanes k = -(even + odd) / where((mask)(power > zero), power, one);

            /* 1 + sum of |a| of the longer predictor is at most the product of 1 + |k|: only where that leaves a doubt is it summed. */
            bound *= one + magnitude(k);
            lanes left = power * (one - k * k), norm = bound;
            if (any(going & (mask)(left <= ROUNDING * R[0] * bound * bound))) {
                norm = one + magnitude(k);
                for (long m = 0; m < i - 1; m++) norm += magnitude(a[m] + k * a[i - 2 - m]);
            }
            lanes rounding = ROUNDING * R[0] * norm * norm;
            valid &= ~(going & (mask)(left < -rounding));
            going &= (mask)(left > rounding);

            k = where(going, k, zero);
            for (long m = 0, w = i - 2; m <= w; m++, w--) {
                lanes first = a[m], last = a[w];
                a[m] = first + k * last;
                a[w] = last + k * first;
            }
            a[i - 1] = k;
            power = where(going, left, power);
            for (long l = 0; l < rows; l++) k_out[(n + l) * M + i - 1] = k[l];
        }
        for (long l = 0; l < rows; l++) {
            if (!valid[l]) return n + l;
            power_out[n + l] = power[l];
            for (long i = 0; i < M; i++) a_out[(n + l) * M + i] = a[i][l];
        }
    }
    return -1;
}
