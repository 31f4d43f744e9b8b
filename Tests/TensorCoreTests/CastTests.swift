import TensorCore
import TestSupport
import XCTest

final class CastTests: XCTestCase {
    /// Magnitudes from subnormal to overflow, ties, specials.
    private let awkward: [Float] =
        [
            0, -0, .infinity, -.infinity, .nan, .leastNonzeroMagnitude, 0x1p-133, 6e-8, 5.9604645e-08,
            2.98e-8,
            6.1e-5, 65504, 65519.99, 65520, 70000, 3.3961775e38, .greatestFiniteMagnitude, 1.00390625,
            1.01171875, 1.00048828125, 1.00146484375, -1.00390625, 2049, 2051, 4098, 4102,
        ] + randomTensor([4000], seed: 1).floats.enumerated().map { $1 * CastTests.exp2Float($0 % 60 - 30) }

    private static func exp2Float(_ exponent: Int) -> Float {
        Float(sign: .plus, exponent: exponent, significand: 1)
    }

    func testHalfRoundsToNearestEven() {
        let half = Tensor(awkward, shape: [awkward.count]).cast(to: .float16)
        let bits = half.withHostBytes { Array($0.bindMemory(to: UInt16.self)) }
        for (value, actual) in zip(awkward, bits) {
            let expected = Float16(value)
            if value.isNaN {
                XCTAssertTrue(Float16(bitPattern: actual).isNaN)
            } else {
                XCTAssertEqual(actual, expected.bitPattern, "\(value)")
            }
        }
    }

    func testBrainFloatRoundsToNearestEven() {
        let brain = Tensor(awkward, shape: [awkward.count]).cast(to: .bfloat16)
        let bits = brain.withHostBytes { Array($0.bindMemory(to: UInt16.self)) }
        for (value, actual) in zip(awkward, bits) {
            if value.isNaN {
                XCTAssertTrue(Float(bitPattern: UInt32(actual) << 16).isNaN)
                continue
            }
            let pattern = value.bitPattern
            let expected = (pattern + 0x7FFF + (pattern >> 16 & 1)) >> 16
            XCTAssertEqual(UInt32(actual), expected, "\(value)")
        }
    }

    func testWideningIsExact() {
        let all = (0...UInt16.max).map { $0 }
        for (dtype, value) in [
            (DType.float16, { Float(Float16(bitPattern: $0)) }),
            (.bfloat16, { Float(bitPattern: UInt32($0) << 16) }),
        ] as [(DType, (UInt16) -> Float)] {
            let tensor = all.withUnsafeBytes { Tensor(bytes: $0, shape: [all.count], dtype: dtype) }
            assertClose(tensor.floats, all.map(value), dtype.name)
            assertClose(tensor.doubles, all.map { Double(value($0)) }, dtype.name)
            let back = tensor.cast(to: .float32).cast(to: dtype)
            assertClose(back.doubles, tensor.doubles, dtype.name)
        }
    }

    func testDoublesRoundOnce() {
        // Just above a tie of bf16 and of f16, by less than f32 can hold: rounding twice would go down.
        let above = [1 + 0x1p-8 + 0x1p-40, 1 + 0x1p-11 + 0x1p-40]
        let values = Tensor(above, shape: [2])
        XCTAssertEqual(values.cast(to: .float32).doubles, [1 + 0x1p-8, 1 + 0x1p-11])
        XCTAssertEqual(values.cast(to: .bfloat16).doubles, [1 + 0x1p-7, 1])
        XCTAssertEqual(values.cast(to: .float16).doubles, [1 + 0x1p-8, 1 + 0x1p-10])
    }

    func testGradientIsCastBack() {
        let x = randomTensor([7], seed: 2).tracked()
        let seed = randomTensor([7], seed: 3, dtype: .bfloat16)
        let gradient = gradients(of: [(x.cast(to: .bfloat16), seed)])[x]
        assertIdentical(gradient ?? x, seed.cast(to: .float32))
        XCTAssertTrue(x.cast(to: .float32).isTracked, "no copy where the type is the same")
        checkGradient(
            of: { $0[0].cast(to: .float64).squared() }, at: [randomTensor([3], seed: 4, dtype: .float64)])
    }
}
