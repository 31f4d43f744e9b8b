import CKernels

extension CPUBackend {
    public func groupNorm(
        _ norm: GroupNorm, _ x: Tensor, scale: Tensor?, shift: Tensor?, epsilon: Double, into y: Tensor,
        mean: Tensor, reciprocalDeviation: Tensor
    ) {
        let parts = PixelBlocks(norm)
        let sums = parts.sums { image, pixels, sums in
            ck_group_norm_sums(
                x.kernelType, x.at(norm.element(image, pixels.lowerBound)), pixels.count, norm.channels, sums)
        }
        for image in 0..<norm.images {
            ck_group_norm_moments(
                x.kernelType, parts.start(of: image, in: sums), parts.perImage.count, norm.pixels,
                norm.channels, norm.groups, epsilon, mean.at(image * norm.groups),
                reciprocalDeviation.at(image * norm.groups))
        }
        let kernel = GroupNormCall(
            norm: norm, scale: scale, shift: shift, mean: mean, reciprocalDeviation: reciprocalDeviation)
        parts.forEach { image, pixels in
            let start = norm.element(image, pixels.lowerBound)
            kernel.call(x.kernelType, image) {
                ck_group_norm_apply($0, x.at(start), y.at(start), pixels.count)
            }
        }
    }

    public func groupNormAdjoint(
        _ norm: GroupNorm, _ x: Tensor, scale: Tensor?, shift: Tensor?, mean: Tensor,
        reciprocalDeviation: Tensor, _ dy: Tensor, into dx: Tensor, scaleGradient: Tensor?,
        shiftGradient: Tensor?
    ) {
        let parts = PixelBlocks(norm)
        let kernel = GroupNormCall(
            norm: norm, scale: scale, shift: shift, mean: mean, reciprocalDeviation: reciprocalDeviation)
        let partial = parts.sums { image, pixels, sums in
            let start = norm.element(image, pixels.lowerBound)
            kernel.call(x.kernelType, image) {
                ck_group_norm_adjoint_sums($0, x.at(start), dy.at(start), pixels.count, sums)
            }
        }
        let sums = Tensor(empty: [norm.images, 2, norm.channels], dtype: .float64, device: .cpu)
        reduce(
            .sum, partial, outer: norm.images, extent: parts.perImage.count, inner: 2 * norm.channels,
            into: sums)
        parts.forEach { image, pixels in
            let start = norm.element(image, pixels.lowerBound)
            kernel.call(x.kernelType, image) {
                ck_group_norm_adjoint_apply(
                    $0, x.at(start), dy.at(start), parts.sums(of: image, in: sums), norm.pixels, dx.at(start),
                    pixels.count)
            }
        }
        // dβ = Σ dz and dγ = Σ dz · x̂ over images as well as pixels.
        guard scaleGradient != nil || shiftGradient != nil else { return }
        let overImages = Tensor(empty: [2, norm.channels], dtype: .float64, device: .cpu)
        reduce(.sum, sums, outer: 1, extent: norm.images, inner: 2 * norm.channels, into: overImages)
        if let shiftGradient { cast(overImages.slice(0..<1), into: shiftGradient) }
        if let scaleGradient { cast(overImages.slice(1..<2), into: scaleGradient) }
    }
}

extension GroupNorm {
    /// Index of the first channel of a pixel.
    fileprivate func element(_ image: Int, _ pixel: Int) -> Int { (image * pixels + pixel) * channels }
}

/// The pixels of every image in blocks, which threads take and whose sums are added up in order.
private struct PixelBlocks {
    let norm: GroupNorm
    let perImage: Blocks

    init(_ norm: GroupNorm) {
        self.norm = norm
        perImage = Blocks(norm.pixels, largest: max(1, CPUBackend.grain / max(norm.channels, 1)))
    }

    func forEach(_ body: @Sendable (_ image: Int, _ pixels: Range<Int>) -> Void) {
        Parallel.ranges(norm.images * perImage.count, grain: 1) { range in
            for unit in range {
                let (image, block) = unit.quotientAndRemainder(dividingBy: perImage.count)
                body(image, perImage[block])
            }
        }
    }

    /// Two sums per channel for each block: `[images, blocks, 2, channels]` in f64.
    func sums(
        _ body: @Sendable (_ image: Int, _ pixels: Range<Int>, _ sums: UnsafeMutablePointer<Double>) -> Void
    ) -> Tensor {
        let all = Tensor(
            empty: [norm.images, perImage.count, 2, norm.channels], dtype: .float64, device: .cpu)
        forEach { image, pixels in
            let block = image * perImage.count + pixels.lowerBound / perImage.extent
            body(image, pixels, all.doublePointer + block * 2 * norm.channels)
        }
        return all
    }

    /// The first sum of an image among those of all blocks.
    func start(of image: Int, in sums: Tensor) -> UnsafePointer<Double> {
        UnsafePointer(sums.doublePointer + image * perImage.count * 2 * norm.channels)
    }

    /// The first sum of an image once those of its blocks are added up.
    func sums(of image: Int, in sums: Tensor) -> UnsafePointer<Double> {
        UnsafePointer(sums.doublePointer + image * 2 * norm.channels)
    }
}

/// The parameters of one image as the C kernels take them.
private struct GroupNormCall {
    let norm: GroupNorm
    let scale: Tensor?
    let shift: Tensor?
    let mean: Tensor
    let reciprocalDeviation: Tensor

    func call(_ type: ck_dtype, _ image: Int, _ body: (UnsafePointer<ck_group_norm>) -> Void) {
        let first = image * norm.groups
        let parameters = ck_group_norm(
            type: type, channels: norm.channels, groups: norm.groups, gamma: scale?.pointer,
            beta: shift?.pointer, mean: mean.at(first), rstd: reciprocalDeviation.at(first),
            silu: norm.isFollowedBySiLU)
        withUnsafePointer(to: parameters, body)
    }
}
