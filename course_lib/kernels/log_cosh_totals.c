/* Sums over many samples c_n of D sensors, for the sources s_n = W c_n with log p(s) = m - a s^2 / 2 - k log cosh(b s):
   of log p, of psi(s_i) s_j, and of -psi'(s_i) s_j^2, where psi is the derivative of log p.
   The loops over samples are without branches or calls, so that a compiler does several at a time. */
#include <math.h>
#include <stdint.h>
#include <string.h>

enum { SAMPLES = 256, LANES = 8 }; /* a block that the nearest caches hold; sums that run side by side */

#define MAGIC 0x1.8p52 /* added to a small number it leaves the nearest whole one in the lowest bits */
#define LOG2E 0x1.71547652b82fep0
#define LN2 0x1.62e42fefa39efp-1
#define LN2_HIGH 0x1.62e42fefa3800p-1
#define LN2_LOW 0x1.ef35793c76730p-45

/* e^x for x <= 0; below -700 that of -700. */
static inline double exp_of_negative(double x)
{
    x = x < -700.0 ? -700.0 : x;
    const double shifted = x * LOG2E + MAGIC, whole = shifted - MAGIC;
    const double r = (x - whole * LN2_HIGH) - whole * LN2_LOW; /* |r| <= ln 2 / 2 */
    double p = 1.0 / 6227020800.0;                             /* Taylor's series up to r^13 / 13! */
    p = p * r + 1.0 / 479001600.0;
    p = p * r + 1.0 / 39916800.0;
    p = p * r + 1.0 / 3628800.0;
    p = p * r + 1.0 / 362880.0;
    p = p * r + 1.0 / 40320.0;
    p = p * r + 1.0 / 5040.0;
    p = p * r + 1.0 / 720.0;
    p = p * r + 1.0 / 120.0;
    p = p * r + 1.0 / 24.0;
    p = p * r + 1.0 / 6.0;
    p = p * r + 0.5;
    p = p * r + 1.0;
    p = p * r + 1.0;
    uint64_t bits;
    double power; /* 2^whole: its exponent is all there is of it */
    memcpy(&bits, &shifted, 8);
    bits = (bits << 52) + 0x3ff0000000000000u;
    memcpy(&power, &bits, 8);
    return p * power;
}

static double dot(const double *restrict x, const double *restrict y)
{
    double lanes[LANES] = {0}, sum = 0;
    for (long i = 0; i < SAMPLES; i += LANES)
        for (int l = 0; l < LANES; l++) lanes[l] += x[i + l] * y[i + l];
    for (int l = 0; l < LANES; l++) sum += lanes[l];
    return sum;
}

static double sum_of_logs(const double *x) /* each from 1 to 2, so that products of SAMPLES / LANES of them are still numbers */
{
    double lanes[LANES], sum = 0;
    for (int l = 0; l < LANES; l++) lanes[l] = 1;
    for (long i = 0; i < SAMPLES; i += LANES)
        for (int l = 0; l < LANES; l++) lanes[l] *= x[i + l];
    for (int l = 0; l < LANES; l++) sum += log(lanes[l]);
    return sum;
}

/* One source of a block: W's row times the sensors. What is missing of the last block stays 0, and adds nothing to any sum. */
static void unmix(const double *restrict row, const double *restrict c, long D, long N, long n, double *restrict s)
{
    memset(s, 0, SAMPLES * sizeof *s);
    for (long j = 0; j < D; j++)
        for (long i = 0; i < n; i++) s[i] += row[j] * c[j * N + i];
}

/* All arrays row by row: W, products and bends (D, D), c (D, N); k and m (D). work holds 4 D SAMPLES numbers. Returns the sum of log p. */
double log_cosh_totals(const double *W, const double *c, long D, long N, double a, double b, const double *k, const double *m,
                       double *work, double *products, double *bends)
{
    double *const s = work, *const square = work + D * SAMPLES, *const score = square + D * SAMPLES, *const curvature = score + D * SAMPLES;
    double log_p = 0, size[SAMPLES], factor[SAMPLES], ones[SAMPLES];
    for (long i = 0; i < SAMPLES; i++) ones[i] = 1;
    for (long d = 0; d < D; d++) log_p += N * m[d];
    memset(products, 0, D * D * sizeof *products);
    memset(bends, 0, D * D * sizeof *bends);
    for (long start = 0; start < N; start += SAMPLES) {
        for (long d = 0; d < D; d++) {
            const double pull = k[d] * b, bend = k[d] * b * b;
            double *const from = s + d * SAMPLES, *const to = score + d * SAMPLES, *const bent = curvature + d * SAMPLES;
            unmix(W + d * D, c + start, D, N, N - start < SAMPLES ? N - start : SAMPLES, from);
            for (long i = 0; i < SAMPLES; i++) {
                const double u = fabs(b * from[i]), e = exp_of_negative(-2.0 * u), tanh_u = (1.0 - e) / (1.0 + e);
                size[i] = u, factor[i] = 1.0 + e, square[d * SAMPLES + i] = from[i] * from[i];
                to[i] = -a * from[i] - pull * copysign(tanh_u, from[i]);
                bent[i] = a + bend * (1.0 - tanh_u * tanh_u);
            }
            /* log cosh u = u + log(1 + exp(-2 u)) - log 2, and a sum of logarithms is that of a product */
            log_p -= 0.5 * a * dot(square + d * SAMPLES, ones) + k[d] * (dot(size, ones) + sum_of_logs(factor) - SAMPLES * LN2);
        }
        for (long i = 0; i < D; i++) {
            for (long j = 0; j < D; j++) {
                products[i * D + j] += dot(score + i * SAMPLES, s + j * SAMPLES);
                bends[i * D + j] += dot(curvature + i * SAMPLES, square + j * SAMPLES);
            }
        }
    }
    return log_p;
}
