import CKernels

/// 3×3 convolutions of stride 1 by F(4×4, 3×3) (Lavin & Gray 2016): a quarter of the multiplications.
///
/// The transformed input of many tiles is laid down first. Then each thread takes blocks of outputs, transforms their
/// weights — on every call, since reading nine numbers costs less than reading the 36 that a cache of transformed
/// weights would hold — and multiplies them with the tiles. Cuts depend on the sizes alone.
struct WinogradConvolution {
    /// Bytes of transformed input.
    private static let inputBudget = 64 << 20
    private static let tilesPerGroup = 128
    /// Bytes of transformed weights per thread, and the most outputs they are for.
    private static let weightBudget = 24 << 20
    private static let mostOutputs = 160
    /// With few tiles to multiply them with, transformed weights must not leave the thread's own cache.
    private static let fewTiles = 64
    private static let fewOutputs = 64
    private static let fewChannels = 256
    /// Fewer tiles do not pay for transforming the weights, nor fewer channels for transforming the images.
    private static let leastTiles = 8
    private static let leastChannels = 8

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
            && convolution.stride == 1 && convolution.channels >= leastChannels
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
        let perTile = PointMatrices.count * convolution.channels * DType.float32.byteWidth
        let groups = max(1, Self.inputBudget / perTile / Self.tilesPerGroup)
        let parts = Blocks(tiles, largest: groups * Self.tilesPerGroup, multipleOf: Self.tilesPerGroup)
        for index in 0..<parts.count {
            let part = parts[index]
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
        let groups = Blocks(part.count, largest: Self.tilesPerGroup)
        let (columns, depths) = weightBlocks
        Parallel.ranges(columns.count * groups.count, grain: 1) { range in
            let u = PointMatrices(rows: columns.extent, columns: depths.extent)
            let m = PointMatrices(rows: groups.extent, columns: columns.extent)
            var loaded: [Int] = []
            for unit in range {
                let (block, group) = unit.quotientAndRemainder(dividingBy: groups.count)
                let (ours, tiles) = (columns[block], groups[group])
                for depth in 0..<depths.count {
                    if loaded != [block, depth] { filters.transform(ours, depths[depth], into: u) }
                    loaded = [block, depth]
                    addProducts(v, tiles, filters, u, ours, depths[depth], into: m)
                }
                withUnsafePointer(to: sizes) { sizes in
                    ck_winograd_output(
                        sizes, m.tensor.floatPointer, m.stride, part.lowerBound + tiles.lowerBound,
                        tiles.count,
                        ours.lowerBound, ours.count, bias?.floatPointer, adds, y.floatPointer)
                }
            }
        }
    }

    /// m[p] += v[p] u[p] for the 36 pairs of points, over some of the channels; = over the first of them.
    private func addProducts(
        _ v: PointMatrices, _ tiles: Range<Int>, _ filters: Filters, _ u: PointMatrices,
        _ outputs: Range<Int>,
        _ channels: Range<Int>, into m: PointMatrices
    ) {
        let product = ThreadProduct(
            dtype: .float32, rows: tiles.count, columns: outputs.count, depth: channels.count,
            keep: channels.lowerBound == 0 ? 0 : 1)
        for point in 0..<PointMatrices.count {
            product.run(
                v.view(
                    point, from: tiles.lowerBound * convolution.channels + channels.lowerBound,
                    leading: convolution.channels),
                filters.view(u, point, outputs, channels), into: m.view(point, leading: outputs.count))
        }
    }

    /// Outputs and channels of the weights that are transformed together.
    private var weightBlocks: (outputs: Blocks, channels: Blocks) {
        if tiles < Self.fewTiles {
            return (
                Blocks(convolution.outputs, largest: Self.fewOutputs, multipleOf: 16),
                Blocks(convolution.channels, largest: Self.fewChannels, multipleOf: 16)
            )
        }
        let perOutput = PointMatrices.count * convolution.channels * DType.float32.byteWidth
        let largest = min(Self.mostOutputs, max(16, Self.weightBudget / perOutput / 16 * 16))
        return (
            Blocks(convolution.outputs, largest: largest, multipleOf: 16),
            Blocks(convolution.channels, largest: convolution.channels)
        )
    }
}

/// 36 matrices, one for each pair of points.
private struct PointMatrices {
    static let count = 36

    let tensor: Tensor
    /// An odd number of cache lines: matrices a power of two apart would fall into the same few sets.
    let stride: Int

    init(rows: Int, columns: Int) {
        stride = ((rows * columns + 15) / 16 | 1) * 16
        tensor = Tensor(empty: [Self.count * stride], dtype: .float32, device: .cpu)
    }

    func view(_ point: Int, from element: Int = 0, leading: Int) -> MatrixView {
        MatrixView(start: tensor.at(point * stride + element), leading: leading)
    }
}

/// The weights, and which of their axes the outputs of this convolution are.
private struct Filters {
    /// `[outputs, 3, 3, channels]`, or `[channels, 3, 3, outputs]` where mirrored.
    let weight: Tensor
    let isMirrored: Bool

    /// G g Gᵀ for some outputs and channels, laid out as the weight is.
    func transform(_ outputs: Range<Int>, _ channels: Range<Int>, into u: PointMatrices) {
        let (rows, columns) = isMirrored ? (channels, outputs) : (outputs, channels)
        let width = weight.shape[3]
        ck_winograd_weight(
            weight.kernelType, weight.at(rows.lowerBound * 9 * width), rows.count, width, columns.lowerBound,
            columns.count, isMirrored, u.tensor.floatPointer, u.stride)
    }

    /// One of the transformed matrices, channels by outputs.
    func view(_ u: PointMatrices, _ point: Int, _ outputs: Range<Int>, _ channels: Range<Int>) -> MatrixView {
        isMirrored
            ? u.view(point, leading: outputs.count) : u.view(point, leading: channels.count).transposed
    }
}
