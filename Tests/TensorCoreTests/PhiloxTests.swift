import Foundation
import TensorCore
import TestSupport
import XCTest

final class PhiloxTests: XCTestCase {
    private let key = RandomKey(seed: 0x1234_5678_9ABC_DEF0, stream: 7, step: 11)

    /// Philox 4x32-10 (Salmon and others 2011).
    private func block(_ counter: [UInt32], _ key: [UInt32]) -> [UInt32] {
        var (c, k) = (counter, key)
        for _ in 0..<10 {
            let first = UInt64(c[0]) * 0xD251_1F53
            let second = UInt64(c[2]) * 0xCD9E_8D57
            c = [
                UInt32(second >> 32) ^ c[1] ^ k[0], UInt32(truncatingIfNeeded: second),
                UInt32(first >> 32) ^ c[3] ^ k[1], UInt32(truncatingIfNeeded: first),
            ]
            k = [k[0] &+ 0x9E37_79B9, k[1] &+ 0xBB67_AE85]
        }
        return c
    }

    private func words(_ key: RandomKey, sample: UInt32, block index: UInt32) -> [UInt32] {
        block(
            [index, sample, key.step, key.stream],
            [UInt32(truncatingIfNeeded: key.seed), UInt32(key.seed >> 32)])
    }

    /// Known answers of the authors' Random123 distribution.
    func testTheReferenceIsPhilox() {
        XCTAssertEqual(
            block([0, 0, 0, 0], [0, 0]), [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8])
        XCTAssertEqual(
            block([.max, .max, .max, .max], [.max, .max]),
            [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd])
        XCTAssertEqual(
            block([0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], [0xa409_3822, 0x299f_31d0]),
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1])
    }

    func testUniformsAreTheTopBitsOfPhilox() {
        forEachDevice { device in
            let y = Tensor.uniform([3, 10], key: key, firstSample: 5, block: 2, on: device).floats
            for sample in 0..<3 {
                for element in 0..<10 {
                    let word = words(key, sample: UInt32(5 + sample), block: UInt32(2 + element / 4))[
                        element % 4]
                    XCTAssertEqual(y[sample * 10 + element], Float(word >> 8) * 0x1p-24)
                }
            }
        }
    }

    func testNormalsAreBoxMullerOfPhilox() {
        forEachDevice { device in
            let y = Tensor.normal([200, 7], key: key, firstSample: 3, on: device).doubles
            var expected: [Double] = []
            for sample in 3..<203 {
                for element in 0..<7 {
                    let pair = element % 4 / 2 * 2
                    let word = words(key, sample: UInt32(sample), block: UInt32(element / 4))
                    let radius = (-2 * log((Double(word[pair]) + 1) * 0x1p-32)).squareRoot()
                    let angle = 2 * Double.pi * Double(word[pair + 1]) * 0x1p-32
                    expected.append(radius * (element % 2 == 0 ? cos(angle) : sin(angle)))
                }
            }
            assertClose(y, expected, absolute: 2e-6, relative: 1e-6)
        }
    }

    func testASampleDoesNotDependOnItsBatch() {
        forEachDevice { device in
            for draw in [
                { Tensor.normal($0, key: $1, firstSample: $2, on: device) },
                { Tensor.uniform($0, key: $1, firstSample: $2, on: device) },
            ] as [(Shape, RandomKey, Int) -> Tensor] {
                for width in [1, 3, 4, 5, 63, 1000] {
                    let whole = draw([20, width], key, 100)
                    for split in [1, 7, 13, 19] {
                        let parts = [
                            draw([split, width], key, 100), draw([20 - split, width], key, 100 + split),
                        ]
                        assertIdentical(.concatenated(parts), whole, "\(width) split at \(split)")
                    }
                }
            }
        }
    }

    func testBlocksDrawASampleInParts() {
        let whole = Tensor.normal([5, 40], key: key)
        for block in 0..<10 {
            let part = Tensor.normal([5, 40 - 4 * block], key: key, block: block)
            assertIdentical(part, whole.slice((4 * block)..<40, axis: 1), "block \(block)")
        }
        assertIdentical(Tensor.normal([5, 2, 4, 5], key: key), whole.reshaped(5, 2, 4, 5))
        assertIdentical(Tensor.normal([], key: key), whole.slice(0..<1).slice(0..<1, axis: 1).reshaped([]))
    }

    func testEveryPartOfTheKeyMatters() {
        let base = Tensor.uniform([4, 8], key: key).floats
        XCTAssertEqual(Tensor.uniform([4, 8], key: key).floats, base)
        for other in [
            RandomKey(seed: key.seed + 1, stream: 7, step: 11),
            RandomKey(seed: key.seed, stream: 8, step: 11),
            RandomKey(seed: key.seed ^ 1 << 63, stream: 7, step: 11), key.at(step: 12),
        ] { XCTAssertTrue(zip(Tensor.uniform([4, 8], key: other).floats, base).allSatisfy { $0 != $1 }) }
        XCTAssertEqual(key.at(step: 11), key)
    }

    func testTheLastSampleOfTheCounter() {
        let last = Int(UInt32.max) - 1
        let y = Tensor.uniform([1, 4], key: key, firstSample: last).floats
        XCTAssertEqual(y, words(key, sample: UInt32(last), block: 0).map { Float($0 >> 8) * 0x1p-24 })
    }

    func testMoments() {
        let normal = Tensor.normal([1000, 1000], key: key)
        let uniform = Tensor.uniform([1000, 1000], key: key)
        // Five standard errors of a million draws.
        let n = 1e6
        assertClose([normal.sum().item / n], [0], absolute: 5 / n.squareRoot())
        assertClose([normal.sumOfSquares() / n], [1], absolute: 5 * (2 / n).squareRoot())
        assertClose([uniform.sum().item / n], [0.5], absolute: 5 * (1 / 12 / n).squareRoot())
        assertClose([uniform.sumOfSquares() / n], [1.0 / 3], absolute: 5 * (4.0 / 45 / n).squareRoot())
        XCTAssertLessThan(normal.magnitude().reshaped(-1).maximum(axis: 0).item, 6.67)
        XCTAssertLessThan(uniform.reshaped(-1).maximum(axis: 0).item, 1)
        XCTAssertGreaterThanOrEqual(uniform.reshaped(-1).minimum(axis: 0).item, 0)
    }

    func testIntegersAreScaledUniforms() {
        let draws = key.integers(10..<60, below: 1000)
        let uniforms = Tensor.uniform([50], key: key, firstSample: 10).floats
        XCTAssertEqual(draws, uniforms.map { Int32(Double($0) * 1000) })
        XCTAssertEqual(key.integers(30..<60, below: 1000), Array(draws[20...]))
        let dice = key.integers(0..<6000, below: 6)
        for face in 0..<6 {
            let count = dice.filter { $0 == face }.count
            XCTAssertLessThan(abs(count - 1000), 150, "face \(face)")
        }
        XCTAssertEqual(key.integers(0..<20, below: 1), Array(repeating: 0, count: 20))
    }
}
