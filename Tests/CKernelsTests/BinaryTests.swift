import CKernels
import XCTest

final class BinaryTests: XCTestCase {
    static let operations: [(ck_binary_op, @Sendable (Double, Double) -> Double)] = [
        (ck_add, { $0 + $1 }), (ck_subtract, { $0 - $1 }), (ck_multiply, { $0 * $1 }),
        (ck_divide, { $0 / $1 }), (ck_maximum, { max($0, $1) }), (ck_minimum, { min($0, $1) }),
    ]

    /// Operands are elements: each result is rounded once, but for the widening of narrow types to float.
    func testEveryOperationIsRoundedOnce() {
        var source = SplitMix(10)
        for (op, function) in Self.operations {
            for type in ck_dtype.floating {
                let a = Elements(type, source.values(1001, in: -50...50))
                let b = Elements(type, source.values(1001, in: 0.5...9))
                let expected = Elements(type, zip(a.doubles, b.doubles).map(function))
                let y = Elements(type, count: 1001)
                ck_binary(op, type, a.base, b.base, y.base, 1001)
                assertClose(y.doubles, expected.doubles, relative: type == ck_f64 ? 0 : 1e-7)
                for shared in [a, b] {
                    let inPlace = shared.copy()
                    ck_binary(
                        op, type, shared === a ? inPlace.base : a.base, shared === b ? inPlace.base : b.base,
                        inPlace.base, 1001)
                    XCTAssertEqual(inPlace.bytes, y.bytes)
                }
            }
        }
    }

    func testMaximumAndMinimumKeepNaN() {
        let a = Elements(ck_f32, [.nan, 1, 2])
        let b = Elements(ck_f32, [1, .nan, 3])
        for op in [ck_maximum, ck_minimum] {
            let y = Elements(ck_f32, count: 3)
            ck_binary(op, ck_f32, a.base, b.base, y.base, 3)
            assertClose(y.doubles, [.nan, .nan, op == ck_maximum ? 3 : 2])
        }
    }

    func testAffineWeightedSumClampAndFill() {
        var source = SplitMix(11)
        for type in ck_dtype.floating {
            let x = Elements(type, source.values(777, in: -3...3))
            let z = Elements(type, source.values(777, in: -3...3))
            let tolerance = 3 * type.roundoff
            let y = Elements(type, count: 777)
            ck_affine(type, x.base, 1.5, -0.25, y.base, 777)
            assertClose(
                y.doubles, x.doubles.map { 1.5 * $0 - 0.25 }, absolute: tolerance, relative: tolerance)
            let sum = z.copy()
            ck_axpby(type, 0.5, x.base, -2, sum.base, 777)
            let expected = zip(x.doubles, z.doubles).map { 0.5 * $0 - 2 * $1 }
            assertClose(sum.doubles, expected, absolute: tolerance, relative: tolerance)
            ck_clamp(type, x.base, -1, 2, y.base, 777)
            assertClose(y.doubles, x.doubles.map { min(max($0, -1), 2) })
            ck_clamp_adjoint(type, x.base, z.base, -1, 2, y.base, 777)
            assertClose(y.doubles, zip(x.doubles, z.doubles).map { (-1...2).contains($0) ? $1 : 0 })
            ck_fill(type, -1.5, y.base, 777)
            XCTAssertEqual(y.doubles, Array(repeating: -1.5, count: 777))
        }
        let indices = Elements(ck_i32, count: 3)
        ck_fill(ck_i32, -7, indices.base, 3)
        XCTAssertEqual(indices.doubles, [-7, -7, -7])
    }

    func testClampIncludesItsBoundsAndKeepsNaN() {
        let x = Elements(ck_f32, [-1, 1, .nan, .infinity])
        let one = Elements(ck_f32, [1, 1, 1, 1])
        let y = Elements(ck_f32, count: 4)
        ck_clamp(ck_f32, x.base, -1, 1, y.base, 4)
        assertClose(y.doubles, [-1, 1, .nan, 1])
        ck_clamp_adjoint(ck_f32, x.base, one.base, -1, 1, y.base, 4)
        assertClose(y.doubles, [1, 1, 0, 0])
    }

    func testSplittingARangeChangesNoBit() {
        var source = SplitMix(12)
        for type in ck_dtype.floating {
            let a = Elements(type, source.values(2000, in: -50...50))
            let b = Elements(type, source.values(2000, in: 0.5...9))
            let whole = Elements(type, count: 2000)
            let parts = Elements(type, count: 2000)
            let kernels: [(Int, Int, Elements) -> Void] = [
                { ck_binary(ck_divide, type, a.at($0), b.at($0), $2.at($0), $1) },
                { ck_affine(type, a.at($0), 1.1, 0.7, $2.at($0), $1) },
                { ck_axpby(type, 1.1, a.at($0), 0.7, $2.at($0), $1) },
                { ck_clamp(type, a.at($0), -20, 20, $2.at($0), $1) },
                { ck_clamp_adjoint(type, a.at($0), b.at($0), -20, 20, $2.at($0), $1) },
            ]
            for kernel in kernels {
                memcpy(parts.base, whole.base, 2000 * type.byteWidth)
                var start = 0
                while start < 2000 {
                    let n = min(2000 - start, Int.random(in: 1...150, using: &source))
                    kernel(start, n, parts)
                    start += n
                }
                kernel(0, 2000, whole)
                XCTAssertEqual(parts.bytes, whole.bytes)
            }
        }
    }

    func testBroadcastingAgreesWithLoops() {
        var source = SplitMix(13)
        for round in 0..<400 {
            let rank = round % 7
            let shape = randomShape(rank, &source)
            let a = StridedShape.random(shape, allowNegative: true, &source)
            let b = StridedShape.random(shape, allowNegative: true, &source)
            let type = ck_dtype.floating[round % 4]
            let (op, function) = Self.operations[round % 6]
            let x = Elements(type, source.values(a.extent, in: -9...9))
            let z = Elements(type, source.values(b.extent, in: 0.5...9))
            let count = shape.reduce(1, *)
            let y = Elements(type, count: count)
            ck_binary_strided(
                op, type, Int32(rank), shape.map(Int64.init), a.strides, b.strides, x.at(a.origin),
                z.at(b.origin), y.base)
            let expected = zip(a.offsets, b.offsets).map { function(x[$0], z[$1]) }
            let message = "\(shape), \(a.strides), \(b.strides)"
            assertClose(
                y.doubles, Elements(type, expected).doubles, relative: type == ck_f64 ? 0 : 1e-7, message)
        }
    }

    func testBroadcastingLongRowsAndColumns() {
        var source = SplitMix(14)
        let rows = 37
        let columns = 1283
        let x = Elements(ck_f32, source.values(rows * columns, in: -9...9))
        let vector = Elements(ck_f32, source.values(columns, in: -9...9))
        let y = Elements(ck_f32, count: rows * columns)
        let shape = [Int64(rows), Int64(columns)]
        for (stride, index) in [([0, 1], { $0 % columns }), ([1, 0], { $0 / columns })]
            as [([Int64], (Int) -> Int)]
        {
            ck_binary_strided(
                ck_subtract, ck_f32, 2, shape, [Int64(columns), 1], stride, x.base, vector.base, y.base)
            let expected = (0..<rows * columns).map { x[$0] - vector[index($0)] }
            XCTAssertEqual(y.doubles, Elements(ck_f32, expected).doubles)
        }
    }
}
