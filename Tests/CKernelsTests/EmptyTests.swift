import CKernels
import XCTest

/// Ranges of no element: nothing is read or written, no pointer is needed.
final class EmptyTests: XCTestCase {
    func testNothingIsDoneToNothing() {
        let untouched = Elements(ck_f64, [1, 2, 3])
        let p = untouched.base
        for type in ck_dtype.floating {
            ck_unary(ck_gelu, type, p, p, 0)
            ck_unary_adjoint(ck_sine, type, p, p, p, 0)
            ck_binary(ck_add, type, p, p, p, 0)
            ck_binary_strided(ck_add, type, 2, [0, 3], [3, 1], [0, 1], p, p, p)
            ck_affine(type, p, 1, 1, p, 0)
            ck_axpby(type, 1, p, 1, p, 0)
            ck_clamp(type, p, 0, 1, p, 0)
            ck_clamp_adjoint(type, p, p, 0, 1, p, 0)
            ck_fill(type, 1, p, 0)
            ck_cast(type, p, ck_f32, p, 0)
            ck_cast(type, p, ck_bf16, p, 0)
            ck_copy_strided(type.byteWidth, 2, [4, 0], [1, 4], p, [4, 1], p)
            ck_gather_rows(type.byteWidth, p, [], p, 0, 3)
            ck_scatter_add_rows(type, p, [], p, 0, 3)
            ck_reduce(ck_sum, type, p, p, 0, 3, 1)
            ck_reduce(ck_sum, type, p, p, 3, 3, 0)
            ck_softmax(type, p, p, 0, 3)
            ck_softmax(type, p, p, 3, 0)
            ck_softmax_adjoint(type, p, p, p, 0, 3)
            ck_layer_norm(type, p, nil, nil, 1e-5, p, p, p, 0, 3)
            ck_layer_norm_adjoint(type, p, nil, p, p, p, p, p, nil, 0, 0)
        }
        let key = ck_philox_key(seed: 0, stream: 0, step: 0, sample: 0, block: 0)
        let floats = p.assumingMemoryBound(to: Float.self)
        ck_philox_normal(key, floats, 0, 3)
        ck_philox_uniform(key, floats, 3, 0)
        ck_fixed_accumulate(floats, 0, p.assumingMemoryBound(to: Int64.self), 0)
        ck_fixed_to_float(p.assumingMemoryBound(to: Int64.self), 0, floats, 0)
        ck_adamw(floats, floats, floats, floats, 0, 1, 1, 1, 1, 1, 1, 1, 1)
        XCTAssertEqual(untouched.doubles, [1, 2, 3])
    }

    func testNoPointerIsNeeded() {
        for type in ck_dtype.floating {
            ck_unary(ck_gelu, type, nil, nil, 0)
            ck_binary(ck_add, type, nil, nil, nil, 0)
            ck_reduce(ck_sum, type, nil, nil, 0, 0, 0)
            XCTAssertEqual(ck_dot(type, nil, nil, 0), 0)
        }
    }
}
