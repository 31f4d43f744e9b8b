#include "PanelProduct.h"

bool ck_has_panel_products(ck_dtype type) {
    return type == ck_bf16 ? ck_has_pair_products() : type == ck_f32 && ck_has_float_products();
}

void ck_panel_multiply(const ck_panel_product *product, size_t row, size_t end, size_t panel) {
    (product->type == ck_bf16 ? ck_pair_multiply : ck_float_multiply)(product, row, end, panel);
}
