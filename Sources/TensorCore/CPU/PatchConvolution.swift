import CKernels

/// Convolutions of any kernel and stride as products of image patches, laid out as rows, with the weights.
struct PatchConvolution {
    /// Bytes of patches laid out at a time.
    private static let budget = 16 << 20

    private let convolution: Convolution
    private let sizes: ck_convolution
    /// Elements of a patch.
    private let depth: Int

    init(_ convolution: Convolution) {
        self.convolution = convolution
        sizes = convolution.kernelSizes
        depth = convolution.kernelHeight * convolution.kernelWidth * convolution.channels
    }

    private var rows: Int { convolution.images * convolution.outHeight * convolution.outWidth }

    /// Whether each pixel is a patch of its own.
    private var isPointwise: Bool {
        convolution.kernelHeight == 1 && convolution.kernelWidth == 1 && convolution.stride == 1
            && convolution.padding == Padding()
    }

    // MARK: Forward

    func run(_ x: Tensor, _ weight: Tensor, adds: Bool, into y: Tensor) {
        var product = MatrixProduct(
            rows: rows, columns: convolution.outputs, depth: depth, transposeB: true, accumulates: adds)
        guard !isPointwise else { return y.backend.multiply(product, x, weight, into: y) }
        let blocks = Blocks(rows, largest: rowsWithin(Self.budget, y.dtype), multipleOf: 64)
        let patches = Tensor(empty: [blocks.extent, depth], dtype: y.dtype, device: .cpu)
        for index in 0..<blocks.count {
            let block = blocks[index]
            Parallel.ranges(block.count, grain: 16) { range in
                withUnsafePointer(to: sizes) { sizes in
                    ck_gather_patches(
                        x.dtype.byteWidth, sizes, x.pointer, block.lowerBound + range.lowerBound, range.count,
                        patches.at(range.lowerBound * depth))
                }
            }
            product.rows = block.count
            let part = y.viewed(
                as: [block.count, convolution.outputs],
                byteOffset: block.lowerBound * convolution.outputs * y.dtype.byteWidth)
            y.backend.multiply(product, patches, weight, into: part)
        }
    }

    private func rowsWithin(_ bytes: Int, _ dtype: DType) -> Int {
        max(64, bytes / max(1, depth * dtype.byteWidth) / 64 * 64)
    }

    // MARK: Adjoint of the input

    /// dx = Σ of the patches dy · w, in bands of rows: a band takes the patches that reach into it, so that no two
    /// threads add to one pixel.
    func runInputAdjoint(_ dy: Tensor, _ weight: Tensor, into dx: Tensor) {
        let wide = weight.cast(to: dx.dtype)
        let stride = convolution.stride
        let bands = Blocks(convolution.height, largest: max(16, stride), multipleOf: stride)
        Parallel.ranges(convolution.images * bands.count, grain: 1) { range in
            for unit in range {
                let (image, band) = unit.quotientAndRemainder(dividingBy: bands.count)
                fillBand(image, bands[band], dy, wide, dx)
            }
        }
    }

    private func fillBand(_ image: Int, _ band: Range<Int>, _ dy: Tensor, _ weight: Tensor, _ dx: Tensor) {
        let (outWidth, outputs) = (convolution.outWidth, convolution.outputs)
        let rowElements = convolution.width * convolution.channels
        let start = dx.at((image * convolution.height + band.lowerBound) * rowElements)
        start.initializeMemory(
            as: UInt8.self, repeating: 0, count: band.count * rowElements * dx.dtype.byteWidth)
        let reaching = outputRows(reaching: band)
        let together = max(1, rowsWithin(Self.budget / 4, dx.dtype) / max(1, outWidth))
        let blocks = Blocks(reaching.count, largest: together)
        let patches = Tensor(empty: [blocks.extent * outWidth, depth], dtype: dx.dtype, device: .cpu)
        for index in 0..<blocks.count {
            let (first, count) = (reaching.lowerBound + blocks[index].lowerBound, blocks[index].count)
            let product = ThreadProduct(
                dtype: dx.dtype, rows: count * outWidth, columns: depth, depth: outputs)
            product.run(
                MatrixView(
                    start: dy.at((image * convolution.outHeight + first) * outWidth * outputs),
                    leading: outputs),
                MatrixView(start: weight.pointer, leading: depth),
                into: MatrixView(start: patches.pointer, leading: depth))
            withUnsafePointer(to: sizes) { sizes in
                ck_scatter_patches(
                    dx.kernelType, sizes, patches.pointer, first, count, band.lowerBound, band.upperBound,
                    start)
            }
        }
    }

    /// Rows p of the output with s·p − top + u in the band for some u of the kernel.
    private func outputRows(reaching band: Range<Int>) -> Range<Int> {
        let (stride, top) = (convolution.stride, convolution.padding.top)
        let first = max(0, band.lowerBound + top - convolution.kernelHeight + stride) / stride
        let end = min(convolution.outHeight, (band.upperBound - 1 + top) / stride + 1)
        return min(first, end)..<end
    }

    // MARK: Adjoint of the weight

    /// dw[o, u, v, :] = Σ over output pixels of dy[pixel, o] · x[the pixel u, v reaches, :].
    func runWeightAdjoint(_ x: Tensor, _ dy: Tensor, into dw: Tensor) {
        guard !isPointwise else {
            let product = MatrixProduct(
                rows: convolution.outputs, columns: depth, depth: rows, transposeA: true)
            return dw.backend.multiply(product, dy, x, into: dw)
        }
        guard rows > 0 else { return dw.backend.fill(dw, with: 0) }
        let taps = convolution.kernelHeight * convolution.kernelWidth
        let outputs = Blocks(convolution.outputs, largest: 256, multipleOf: 64)
        Parallel.ranges(taps * outputs.count, grain: 1) { range in
            for unit in range {
                let (tap, block) = unit.quotientAndRemainder(dividingBy: outputs.count)
                addProducts(tap: tap, outputs[block], x, dy, into: dw)
            }
        }
    }

    private func addProducts(tap: Int, _ outputs: Range<Int>, _ x: Tensor, _ dy: Tensor, into dw: Tensor) {
        let channels = convolution.channels
        var single = sizes
        (single.kernel_height, single.kernel_width) = (1, 1)
        // Where the tap lies beyond the padding these wrap; the kernel adds them modulo 2⁶⁴.
        single.pad_top = sizes.pad_top &- tap / convolution.kernelWidth
        single.pad_left = sizes.pad_left &- tap % convolution.kernelWidth
        let blocks = Blocks(rows, largest: 1024)
        let pixels = Tensor(empty: [blocks.extent, channels], dtype: x.dtype, device: .cpu)
        for index in 0..<blocks.count {
            let block = blocks[index]
            withUnsafePointer(to: single) { sizes in
                ck_gather_patches(
                    x.dtype.byteWidth, sizes, x.pointer, block.lowerBound, block.count, pixels.pointer)
            }
            let product = ThreadProduct(
                dtype: dw.dtype, rows: outputs.count, columns: channels, depth: block.count,
                keep: index == 0 ? 0 : 1)
            product.run(
                MatrixView(
                    start: dy.at(block.lowerBound * convolution.outputs + outputs.lowerBound),
                    leading: convolution.outputs, isTransposed: true),
                MatrixView(start: pixels.pointer, leading: channels),
                into: MatrixView(
                    start: dw.at(outputs.lowerBound * depth + tap * channels), leading: depth))
        }
    }
}
