import CKernels
import XCTest

final class LayoutTests: XCTestCase {
    static let widths: [Int] = [1, 2, 4, 8]

    /// Distinct bytes, so that every element has its own value.
    private func bytes(_ count: Int, _ source: inout SplitMix) -> [UInt8] {
        (0..<count).map { _ in UInt8.random(in: 0...255, using: &source) }
    }

    private func checkCopy(width: Int, _ from: StridedShape, _ to: StridedShape, _ source: inout SplitMix) {
        let src = bytes(from.extent * width, &source)
        var dst = bytes(to.extent * width, &source)
        var expected = dst
        for (a, b) in zip(from.offsets, to.offsets) {
            expected.replaceSubrange(b * width..<(b + 1) * width, with: src[a * width..<(a + 1) * width])
        }
        src.withUnsafeBytes { src in
            dst.withUnsafeMutableBytes { dst in
                ck_copy_strided(
                    width, Int32(from.shape.count), from.shape.map(Int64.init),
                    from.strides, src.baseAddress.map { $0 + from.origin * width },
                    to.strides, dst.baseAddress.map { $0 + to.origin * width })
            }
        }
        XCTAssertEqual(dst, expected, "width \(width), \(from), \(to)")
    }

    func testCopyAgreesWithLoops() {
        var source = SplitMix(20)
        for round in 0..<600 {
            let shape = randomShape(round % 7, &source)
            let from = StridedShape.random(shape, allowNegative: true, &source)
            let to = StridedShape.random(shape, allowRepeats: false, allowNegative: true, &source)
            checkCopy(width: Self.widths[round % 4], from, to, &source)
        }
    }

    func testTranspositionOfEverySize() {
        var source = SplitMix(21)
        for width in Self.widths {
            for (rows, columns) in [(16, 16), (32, 48), (17, 16), (16, 15), (3, 100), (100, 4), (33, 65)] {
                let from = StridedShape([rows, columns], [1, Int64(rows)])
                let to = StridedShape([rows, columns], [Int64(columns), 1])
                checkCopy(width: width, from, to, &source)
            }
        }
    }

    func testChannelsLastThereAndBack() {
        var source = SplitMix(22)
        let (n, c, h, w) = (2, 20, 9, 7)
        let channelsFirst = StridedShape([n, h, w, c], [c * h * w, w, 1, h * w].map(Int64.init))
        let channelsLast = StridedShape([n, h, w, c], [h * w * c, w * c, c, 1].map(Int64.init))
        checkCopy(width: 4, channelsFirst, channelsLast, &source)
        checkCopy(width: 2, channelsLast, channelsFirst, &source)
    }

    func testGatherRows() {
        var source = SplitMix(23)
        let table = Elements(ck_f32, source.values(50 * 7, in: -1...1))
        let indices: [Int32] = [3, 3, 49, 0, 17, 3]
        let y = Elements(ck_f32, count: indices.count * 7)
        ck_gather_rows(4, table.base, indices, y.base, indices.count, 7)
        XCTAssertEqual(y.doubles, indices.flatMap { row in (0..<7).map { table[Int(row) * 7 + $0] } })
    }

    func testScatterAddsRepeatsInOrder() {
        var source = SplitMix(24)
        for type in ck_dtype.floating {
            for width in [1, 5, 64, 130] {
                let indices: [Int32] = [2, 0, 2, 2, 9, 0]
                let table = Elements(type, source.values(10 * width, in: -1...1))
                let dy = Elements(type, source.values(indices.count * width, in: -1...1))
                let expected = table.copy()
                for (i, row) in indices.enumerated() {
                    for j in 0..<width { expected[Int(row) * width + j] += dy[i * width + j] }
                }
                ck_scatter_add_rows(type, dy.base, indices, table.base, indices.count, width)
                XCTAssertEqual(table.bytes, expected.bytes, "type \(type.rawValue), width \(width)")
            }
        }
    }
}
