import CKernels

/// 3×3 convolutions of stride 1 by F(4×4, 3×3) (Lavin & Gray 2016): a quarter of the multiplications.
///
/// The transformed input of many tiles is laid down first. Then each thread takes column blocks of the weights,
/// transforms one — on every call, since reading nine numbers costs less than reading the 36 that a cache of
/// transformed weights would hold — and multiplies it with the tiles. Cuts depend on the sizes alone.
struct WinogradConvolution {
    private static let points = 36
    /// Bytes of transformed input: about what a last-level cache holds.
    private static let inputBudget = 32 << 20
    /// Bytes of transformed weights per thread.
    private static let weightBudget = 8 << 20
    private static let tilesPerGroup = 128
    /// Fewer tiles do not pay for the transformed weights, nor fewer channels for the transformed images.
    private static let leastTiles = 8
    private static let leastChannels = 16

    private let convolution: Convolution
    private let sizes: ck_convolution
    private let tiles: Int

    init(_ convolution: Convolution) {
        self.convolution = convolution
        sizes = convolution.kernelSizes
        tiles = Self.tiles(of: convolution)
    }

    static func suits(_ convolution: Convolution, _ dtype: DType) -> Bool {
        dtype == .float32 && convolution.kernelHeight == 3 && convolution.kernelWidth == 3
            && convolution.stride == 1 && min(convolution.channels, convolution.outputs) >= leastChannels
            && tiles(of: convolution) >= leastTiles
    }

    private static func tiles(of convolution: Convolution) -> Int {
        convolution.images * ((convolution.outHeight + 3) / 4) * ((convolution.outWidth + 3) / 4)
    }

    /// - Parameter isMirrored: the weight belongs to the convolution whose adjoint this is.
    func run(
        _ x: Tensor, _ weight: Tensor, isMirrored: Bool = false, bias: Tensor?, adds: Bool, into y: Tensor
    ) {
        let filters = Filters(weight: weight, isMirrored: isMirrored)
        let perTile = Self.points * convolution.channels * DType.float32.byteWidth
        let groups = max(1, Self.inputBudget / perTile / Self.tilesPerGroup)
        let together = groups * Self.tilesPerGroup
        for first in stride(from: 0, to: tiles, by: together) {
            let part = first..<min(first + together, tiles)
            multiply(transformed(x, part), part, filters, bias: bias, adds: adds, into: y)
        }
    }

    /// v[p, t, :] for the tiles of `part`.
    private func transformed(_ x: Tensor, _ part: Range<Int>) -> PointMatrices {
        let v = PointMatrices(rows: part.count, columns: convolution.channels)
        Parallel.ranges(part.count, grain: 4) { range in
            withUnsafePointer(to: sizes) { sizes in
                ck_winograd_input(
                    sizes, x.floatPointer, part.lowerBound + range.lowerBound, range.count,
                    v.tensor.floatPointer + range.lowerBound * convolution.channels, v.stride)
            }
        }
        return v
    }

    /// Products with the filters, block by block of columns and group by group of tiles, and their way back to y.
    private func multiply(
        _ v: PointMatrices, _ part: Range<Int>, _ filters: Filters, bias: Tensor?, adds: Bool, into y: Tensor
    ) {
        let (channels, outputs) = (convolution.channels, convolution.outputs)
        let widest = Self.weightBudget / (Self.points * channels * DType.float32.byteWidth) / 16 * 16
        let columns = Blocks(outputs, largest: min(max(widest, 32), 160), multipleOf: 16)
        let groups = Blocks(part.count, largest: Self.tilesPerGroup, multipleOf: 1)
        Parallel.ranges(columns.count * groups.count, grain: 1) { range in
            let u = PointMatrices(rows: columns.extent, columns: channels)
            let m = PointMatrices(rows: groups.extent, columns: columns.extent)
            var loaded: Int?
            for unit in range {
                let (block, group) = unit.quotientAndRemainder(dividingBy: groups.count)
                let (ours, theirs) = (columns[block], groups[group])
                if loaded != block { filters.transform(ours, into: u) }
                loaded = block
                for point in 0..<Self.points {
                    ThreadProduct(dtype: .float32, rows: theirs.count, columns: ours.count, depth: channels)
                        .run(
                            v.view(point, row: theirs.lowerBound), filters.view(u, point, ours),
                            into: m.view(point, leading: ours.count))
                }
                withUnsafePointer(to: sizes) { sizes in
                    ck_winograd_output(
                        sizes, m.tensor.floatPointer, m.stride, part.lowerBound + theirs.lowerBound,
                        theirs.count, ours.lowerBound, ours.count, bias?.floatPointer, adds, y.floatPointer)
                }
            }
        }
    }
}

/// 36 matrices, one for each pair of points.
private struct PointMatrices {
    let tensor: Tensor
    let columns: Int
    /// An odd number of cache lines: matrices a power of two apart would fall into the same few sets.
    let stride: Int

    init(rows: Int, columns: Int) {
        self.columns = columns
        stride = ((rows * columns + 15) / 16 | 1) * 16
        tensor = Tensor(empty: [36 * stride], dtype: .float32, device: .cpu)
    }

    func view(_ point: Int, row: Int = 0, leading: Int? = nil) -> MatrixView {
        MatrixView(start: tensor.at(point * stride + row * columns), leading: leading ?? columns)
    }
}

/// The weights, and which of their axes the outputs of this convolution are.
private struct Filters {
    /// `[outputs, 3, 3, channels]`, or `[channels, 3, 3, outputs]` where mirrored.
    let weight: Tensor
    let isMirrored: Bool

    /// G g Gᵀ for some outputs: rows of u are outputs, or channels where mirrored.
    func transform(_ outputs: Range<Int>, into u: PointMatrices) {
        let width = weight.shape[3]
        let first = isMirrored ? 0 : outputs.lowerBound * 9 * width
        ck_winograd_weight(
            weight.kernelType, weight.at(first), isMirrored ? weight.shape[0] : outputs.count, width,
            isMirrored ? outputs.lowerBound : 0, isMirrored ? outputs.count : width, isMirrored,
            u.tensor.floatPointer, u.stride)
    }

    func view(_ u: PointMatrices, _ point: Int, _ outputs: Range<Int>) -> MatrixView {
        let view = u.view(point, leading: isMirrored ? outputs.count : weight.shape[3])
        return MatrixView(start: view.start, leading: view.leading, isTransposed: !isMirrored)
    }
}
