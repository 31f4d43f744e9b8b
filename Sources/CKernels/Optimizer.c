#include "Elements.h"

/// The constants of a step, rounded once.
typedef struct {
    float scale, decay, step, beta1, fresh1, beta2, fresh2, root_correction2, epsilon;
} adamw_constants;

CK_HOT static void adamw_step(adamw_constants c, float *restrict parameter, const float *restrict gradient,
                              float *restrict first_moment, float *restrict second_moment, size_t n) {
    for (size_t i = 0; i < n; i++) {
        float g = c.scale * gradient[i];
        float m = c.beta1 * first_moment[i] + c.fresh1 * g;
        float v = c.beta2 * second_moment[i] + c.fresh2 * (g * g);
        float denominator = __builtin_elementwise_sqrt(v) * c.root_correction2 + c.epsilon;
        float p = parameter[i] - c.decay * parameter[i];
        parameter[i] = p - c.step * (m / denominator);
        first_moment[i] = m;
        second_moment[i] = v;
    }
}

void ck_adamw(float *parameter, const float *gradient, float *first_moment, float *second_moment, size_t n,
              double scale, double learning_rate, double beta1, double beta2, double epsilon,
              double weight_decay, double correction1, double correction2) {
    adamw_constants c = {
        .scale = (float)scale,
        .decay = (float)(learning_rate * weight_decay),
        .step = (float)(learning_rate / correction1),
        .beta1 = (float)beta1,
        .fresh1 = (float)(1 - beta1),
        .beta2 = (float)beta2,
        .fresh2 = (float)(1 - beta2),
        .root_correction2 = (float)(1 / __builtin_sqrt(correction2)),
        .epsilon = (float)epsilon,
    };
    adamw_step(c, parameter, gradient, first_moment, second_moment, n);
}
