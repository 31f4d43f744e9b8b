import CKernels
import XCTest

final class ConversionTests: XCTestCase {
    private func cast(_ x: Elements, to type: ck_dtype) -> Elements {
        let y = Elements(type, count: x.count)
        ck_cast(x.type, x.base, type, y.base, x.count)
        return y
    }

    private func everyBitPattern(_ type: ck_dtype) -> Elements {
        let x = Elements(type, count: 65536)
        for bits in UInt16.min...UInt16.max {
            x.base.storeBytes(of: bits, toByteOffset: 2 * Int(bits), as: UInt16.self)
        }
        return x
    }

    func testEveryHalfWidensExactlyAndReturns() {
        for type in [ck_bf16, ck_f16] {
            let x = everyBitPattern(type)
            for wide in [ck_f32, ck_f64] {
                let y = cast(x, to: wide)
                assertClose(y.doubles, x.doubles, "type \(type.rawValue)")
                assertClose(cast(y, to: type).doubles, x.doubles, "type \(type.rawValue)")
            }
        }
    }

    /// Halfway points between neighbours, and the numbers beside them, in float and double.
    func testNarrowingRoundsOnceToNearestEven() {
        var source = SplitMix(30)
        for type in [ck_bf16, ck_f16] {
            let elements = everyBitPattern(type).doubles.filter { $0.isFinite && $0 >= 0 }.sorted()
            var inputs = source.spread(20000, exponents: -30...17)
            for (low, high) in zip(elements, elements.dropFirst()) {
                let middle = (low + high) / 2
                inputs += [middle, -middle, middle.nextUp, middle.nextDown, middle * (1 + 0x1p-30)]
            }
            inputs += [65519.99, 65520, 65536, 1e39, -1e300, .infinity, -.infinity, 0x1p-1060, 0x1p-150]
            let double = Elements(ck_f64, inputs)
            let single = cast(double, to: ck_f32)
            XCTAssertEqual(cast(double, to: type).bytes, Elements(type, inputs).bytes)
            XCTAssertEqual(cast(single, to: type).bytes, Elements(type, single.doubles).bytes)
        }
    }

    func testNaNStaysNaN() {
        let payloads: [UInt32] = [
            0x7FC0_0000, 0x7F80_0001, 0x7FFF_FFFF, 0xFF80_0001, 0xFFFF_FFFF, 0x7F80_4000,
        ]
        let x = Elements(ck_f32, count: payloads.count)
        for (i, bits) in payloads.enumerated() {
            x.base.storeBytes(of: bits, toByteOffset: 4 * i, as: UInt32.self)
        }
        for type in ck_dtype.floating {
            XCTAssertTrue(cast(x, to: type).doubles.allSatisfy(\.isNaN), "type \(type.rawValue)")
        }
    }

    func testBetweenNarrowTypesAndFromDoubleToFloat() {
        var source = SplitMix(31)
        let values = source.spread(5000, exponents: -28...15)
        let half = Elements(ck_f16, values)
        XCTAssertEqual(cast(half, to: ck_bf16).bytes, Elements(ck_bf16, half.doubles).bytes)
        let brain = Elements(ck_bf16, values)
        XCTAssertEqual(cast(brain, to: ck_f16).bytes, Elements(ck_f16, brain.doubles).bytes)
        XCTAssertEqual(cast(Elements(ck_f64, values), to: ck_f32).bytes, Elements(ck_f32, values).bytes)
    }

    func testIntegersAreRoundedOnce() {
        let integers: [Double] = [
            0, 1, -1, 257, 258, 259, -32769, 16777217, 16777219, 2147483647, -2147483648,
        ]
        let x = Elements(ck_i32, integers)
        for type in ck_dtype.floating {
            XCTAssertEqual(cast(x, to: type).bytes, Elements(type, integers).bytes, "type \(type.rawValue)")
        }
    }

    func testStridedRowsAreRounded() {
        var random = SplitMix(17)
        let values = random.values(5 * 7, in: -1...1)
        let x = Elements(ck_f32, values)
        for type in [ck_bf16, ck_f16, ck_f32] {
            // Rows as they are, and columns as rows.
            for (rows, columns, rowStep, columnStep) in [(5, 3, 7, 1), (7, 5, 1, 7)] {
                let y = Elements(type, Array(repeating: 9, count: rows * 8))
                ck_narrow_strided(
                    type, x.base.assumingMemoryBound(to: Float.self), rowStep, columnStep, y.base, 8, rows,
                    columns)
                let expected = (0..<(rows * 8)).map { index in
                    index % 8 < columns ? values[index / 8 * rowStep + index % 8 * columnStep] : 9
                }
                XCTAssertEqual(y.doubles, Elements(type, expected).doubles)
            }
        }
    }
}
