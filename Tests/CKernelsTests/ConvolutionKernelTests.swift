import CKernels
import XCTest

final class ConvolutionKernelTests: XCTestCase {
    private func sizes(
        _ height: Int, _ width: Int, _ channels: Int, outputs: Int = 1, kernel: (Int, Int) = (3, 3),
        stride: Int = 1, top: Int = 1, left: Int = 1, bottom: Int = 1, right: Int = 1
    ) -> ck_convolution {
        ck_convolution(
            height: height, width: width, channels: channels,
            out_height: (height + top + bottom - kernel.0) / stride + 1,
            out_width: (width + left + right - kernel.1) / stride + 1, out_channels: outputs,
            kernel_height: kernel.0, kernel_width: kernel.1, stride: stride, pad_top: top, pad_left: left)
    }

    private var cases: [ck_convolution] {
        [
            sizes(5, 6, 3), sizes(4, 4, 1, stride: 2), sizes(6, 5, 2, stride: 2, top: 0, left: 0),
            sizes(3, 7, 2, kernel: (2, 5), top: 1, left: 3, bottom: 0, right: 4),
            sizes(2, 2, 4, kernel: (1, 1), stride: 3, top: 0, left: 0, bottom: 0, right: 0),
            sizes(2, 2, 2, kernel: (5, 5), top: 4, left: 4, bottom: 4, right: 4),
        ]
    }

    /// Where element (row, ky, kx, channel) of the patches comes from, or nil for the padding.
    private func source(_ plan: ck_convolution, _ row: Int, _ ky: Int, _ kx: Int, _ channel: Int) -> Int? {
        let (image, pixel) = row.quotientAndRemainder(dividingBy: plan.out_height * plan.out_width)
        let y = pixel / plan.out_width * plan.stride + ky - plan.pad_top
        let x = pixel % plan.out_width * plan.stride + kx - plan.pad_left
        guard (0..<plan.height).contains(y), (0..<plan.width).contains(x) else { return nil }
        return ((image * plan.height + y) * plan.width + x) * plan.channels + channel
    }

    private func patchSources(_ plan: ck_convolution, rows: Range<Int>) -> [Int?] {
        rows.flatMap { row in
            (0..<plan.kernel_height).flatMap { ky in
                (0..<plan.kernel_width).flatMap { kx in
                    (0..<plan.channels).map { self.source(plan, row, ky, kx, $0) }
                }
            }
        }
    }

    func testPatchesOfTwoImages() {
        var random = SplitMix(70)
        for var plan in cases {
            let rows = 2 * plan.out_height * plan.out_width
            let depth = plan.kernel_height * plan.kernel_width * plan.channels
            for type in ck_dtype.floating {
                let x = Elements(type, random.values(2 * plan.height * plan.width * plan.channels, in: 1...2))
                let patches = Elements(type, count: (rows - 1) * depth)
                ck_gather_patches(type.byteWidth, &plan, x.base, 1, rows - 1, patches.base)
                XCTAssertEqual(
                    patches.doubles, patchSources(plan, rows: 1..<rows).map { $0.map { x[$0] } ?? 0 })
            }
        }
    }

    /// Into a band of rows only, from some rows of the output, onto what is there.
    func testScatteringIsTheAdjointOfGathering() {
        var random = SplitMix(71)
        for var plan in cases {
            let depth = plan.kernel_height * plan.kernel_width * plan.channels
            let rowElements = plan.width * plan.channels
            for type in [ck_f32, ck_f64] {
                for (first, end) in [(0, plan.height), (1, plan.height)] {
                    let rows = plan.out_width..<plan.out_height * plan.out_width
                    let patches = Elements(type, random.values(rows.count * depth, in: -1...1))
                    var expected = [Double](repeating: 5, count: plan.height * rowElements)
                    for (index, source) in patchSources(plan, rows: rows).enumerated() {
                        if let source { expected[source] += patches[index] }
                    }
                    let band = Elements(type, Array(repeating: 5, count: (end - first) * rowElements))
                    ck_scatter_patches(
                        type, &plan, patches.base, 1, plan.out_height - 1, first, end, band.base)
                    assertClose(
                        band.doubles, Array(expected[(first * rowElements)...].prefix(band.count)),
                        absolute: 1e-6)
                }
            }
        }
    }

    /// Transforms of tiles and filters, multiplied point by point in double and transformed back.
    private func winograd(
        _ plan: ck_convolution, _ x: Elements, _ w: Elements, bias: Elements?, flipped: Bool, y: Elements
    ) {
        var plan = plan
        let (channels, outputs) = (plan.channels, plan.out_channels)
        let tiles = 2 * ((plan.out_height + 3) / 4) * ((plan.out_width + 3) / 4)
        let (v, u) = (Elements(ck_f32, count: 36 * (tiles * channels + 3)), Elements(ck_f32, count: 36 * 999))
        let m = Elements(ck_f32, count: 36 * tiles * outputs)
        ck_winograd_input(&plan, x.floats, 0, tiles, v.floats, tiles * channels + 3)
        // Filters are [rows, 3, 3, columns] of outputs and channels, or the other way round.
        let (rows, columns) = flipped ? (channels, outputs) : (outputs, channels)
        ck_winograd_weight(w.type, w.base, rows, columns, 0, columns, flipped, u.floats, 999)
        for point in 0..<36 {
            for (tile, output) in (0..<tiles * outputs).map({ ($0 / outputs, $0 % outputs) }) {
                m[(point * tiles + tile) * outputs + output] = (0..<channels).reduce(0) { sum, c in
                    let filter = flipped ? c * outputs + output : output * channels + c
                    return sum + v[point * (tiles * channels + 3) + tile * channels + c]
                        * u[point * 999 + filter]
                }
            }
        }
        ck_winograd_output(
            &plan, m.floats, tiles * outputs, 0, tiles, 0, outputs, bias?.floats, bias == nil, y.floats)
    }

    func testWinogradIsTheConvolution() {
        var random = SplitMix(72)
        for plan in [
            sizes(4, 4, 1), sizes(9, 6, 17, outputs: 33), sizes(7, 8, 5, outputs: 16, top: 2, left: 0),
            sizes(3, 3, 2, outputs: 3, top: 0, left: 0, bottom: 0, right: 0),
        ] {
            let (channels, outputs) = (plan.channels, plan.out_channels)
            let x = Elements(ck_f32, random.values(2 * plan.height * plan.width * channels, in: -1...1))
            let bias = Elements(ck_f32, random.values(outputs, in: -1...1))
            for (type, flipped) in [(ck_f32, false), (ck_bf16, false), (ck_f32, true), (ck_f16, true)] {
                let w = Elements(type, random.values(outputs * 9 * channels, in: -1...1))
                let rows = 0..<2 * plan.out_height * plan.out_width
                let expected = rows.flatMap { row -> [Double] in
                    let sources = patchSources(plan, rows: row..<row + 1)
                    return (0..<outputs).map { output in
                        sources.enumerated().reduce(bias[output]) { sum, element in
                            let (tap, c) = element.offset.quotientAndRemainder(dividingBy: channels)
                            let weight =
                                flipped
                                ? (c * 9 + 8 - tap) * outputs + output : (output * 9 + tap) * channels + c
                            return sum + (element.element.map { x[$0] } ?? 0) * w[weight]
                        }
                    }
                }
                let y = Elements(ck_f32, count: expected.count)
                winograd(plan, x, w, bias: bias, flipped: flipped, y: y)
                assertClose(y.doubles, expected, absolute: 2e-5, "\(plan)")
                // Without a bias, the result is added to what is there.
                let start = (0..<expected.count).map { bias[$0 % outputs] }
                let sum = Elements(ck_f32, start)
                winograd(plan, x, w, bias: nil, flipped: flipped, y: sum)
                assertClose(sum.doubles, expected, absolute: 2e-5, "\(plan)")
            }
        }
    }

    /// Blocks of the columns of a filter are the columns of the whole.
    func testPartsOfFilters() {
        var random = SplitMix(73)
        let w = Elements(ck_f32, random.values(3 * 9 * 37, in: -1...1))
        let (whole, part) = (Elements(ck_f32, count: 36 * 111), Elements(ck_f32, count: 36 * 60))
        ck_winograd_weight(ck_f32, w.base, 3, 37, 0, 37, false, whole.floats, 111)
        ck_winograd_weight(ck_f32, w.base, 3, 37, 5, 20, false, part.floats, 60)
        let expected = (0..<36 * 60).map { index in
            whole[index / 60 * 111 + index % 60 / 20 * 37 + 5 + index % 20]
        }
        XCTAssertEqual(part.doubles, expected)
    }
}

extension Elements {
    var floats: UnsafeMutablePointer<Float> { base.assumingMemoryBound(to: Float.self) }
}
