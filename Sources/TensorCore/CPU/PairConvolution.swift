import CKernels

/// Convolutions of bf16 images with bf16 weights by the processor's instruction for pairs.
///
/// No patches are laid out: with zeros around the image, what a row of the kernel sees is one run of its elements, and
/// the next pixel's lies a stride further on. Weights are packed panel by panel, while they are multiplied.
struct PairConvolution {
    /// Rows of the output that are multiplied with a panel at a time; as many share its packing.
    private static let rowsPerGroup = 32

    private let convolution: Convolution
    private let isMirrored: Bool
    /// The part of a panel that one pixel of the kernel has.
    private let tap: PackedPanels

    /// - Parameter isMirrored: the weight belongs to the convolution whose adjoint this is.
    init(_ convolution: Convolution, isMirrored: Bool = false) {
        (self.convolution, self.isMirrored) = (convolution, isMirrored)
        tap = PackedPanels(
            dtype: .bfloat16, columns: convolution.outputs, depth: convolution.channels,
            isTransposed: !isMirrored)
    }

    /// Channels must come in pairs, so that none lies across two pixels.
    static func suits(_ convolution: Convolution, _ tensors: [Tensor]) -> Bool {
        convolution.channels > 0 && convolution.channels.isMultiple(of: 2)
            && tensors.allSatisfy { $0.dtype == .bfloat16 } && PanelProducts.areUsed(for: .bfloat16)
    }

    private var taps: Int { convolution.kernelHeight * convolution.kernelWidth }
    private var paddedHeight: Int {
        convolution.height + convolution.padding.top + convolution.padding.bottom
    }
    private var paddedWidth: Int {
        convolution.width + convolution.padding.left + convolution.padding.right
    }

    func run(_ x: Tensor, _ weight: Tensor, adds: Bool, into y: Tensor) {
        let image = convolution.padding == Padding() ? x : padded(x)
        let groups = Blocks(convolution.images * convolution.outHeight, largest: Self.rowsPerGroup)
        Parallel.ranges(tap.panels * groups.count, grain: 1) { range in
            let packed = Tensor(empty: [taps * tap.panelWords], dtype: .float32, device: .cpu)
            var loaded: Int?
            for unit in range {
                let (panel, group) = unit.quotientAndRemainder(dividingBy: groups.count)
                if loaded != panel { pack(weight, panel, into: packed) }
                loaded = panel
                multiply(image, groups[group], packed, panel, adds: adds, into: y)
            }
        }
    }

    private func pack(_ weight: Tensor, _ panel: Int, into packed: Tensor) {
        let width = weight.shape[3]
        for place in 0..<taps {
            // The mirrored kernel is turned by half a turn, and its columns are the weight's.
            let start = weight.at((isMirrored ? taps - 1 - place : place) * width)
            tap.pack(
                MatrixView(start: start, leading: taps * width), panel,
                into: packed.pointer + place * tap.panelBytes)
        }
    }

    /// Some rows of the output, in the columns of one panel.
    private func multiply(
        _ image: Tensor, _ rows: Range<Int>, _ packed: Tensor, _ panel: Int, adds: Bool, into y: Tensor
    ) {
        let (channels, outputs) = (convolution.channels, convolution.outputs)
        let rowElements = paddedWidth * channels
        let first = panel * PackedPanels.panelWidth
        for row in rows {
            let (image_, line) = row.quotientAndRemainder(dividingBy: convolution.outHeight)
            let start = image.at((image_ * paddedHeight + line * convolution.stride) * rowElements)
            var sizes = tap.product(
                MatrixView(start: start, leading: convolution.stride * channels), packed: packed.pointer,
                into: MatrixView(start: y.at(row * convolution.outWidth * outputs + first), leading: outputs))
            sizes.columns = outputs - first
            // A row of the kernel is one run of elements, and its rows are pieces.
            sizes.depth = convolution.kernelWidth * channels
            (sizes.pieces, sizes.piece_stride) = (convolution.kernelHeight, rowElements)
            sizes.accumulates = adds
            ck_panel_multiply(&sizes, 0, convolution.outWidth, 0)
        }
    }

    /// x with zeros around it.
    private func padded(_ x: Tensor) -> Tensor {
        let channels = convolution.channels
        let target = x.emptyLike(shape: [convolution.images, paddedHeight, paddedWidth, channels])
        let pixelBytes = channels * x.dtype.byteWidth
        let left = convolution.padding.left * pixelBytes
        let inside = convolution.width * pixelBytes
        Parallel.ranges(convolution.images * paddedHeight, grain: 8) { range in
            for index in range {
                let row = target.pointer + index * paddedWidth * pixelBytes
                let (image, line) = index.quotientAndRemainder(dividingBy: paddedHeight)
                let source = line - convolution.padding.top
                row.initializeMemory(as: UInt8.self, repeating: 0, count: paddedWidth * pixelBytes)
                guard 0..<convolution.height ~= source else { continue }
                (row + left).copyMemory(
                    from: x.pointer + (image * convolution.height + source) * inside, byteCount: inside)
            }
        }
        return target
    }
}
