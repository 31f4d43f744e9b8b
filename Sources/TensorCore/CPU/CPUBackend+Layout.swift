import CKernels

extension CPUBackend {
    public func copyStrided(
        shape: [Int], from source: Tensor, offset sourceOffset: Int, strides sourceStrides: [Int],
        into target: Tensor, offset targetOffset: Int, strides targetStrides: [Int]
    ) {
        let axes = PairedAxes(shape: shape, sourceStrides, targetStrides)
        axes.forEachPart { shape, _, sourceStart, targetStart in
            ck_copy_strided(
                source.dtype.byteWidth, Int32(shape.count), shape, axes.aStrides,
                source.at(sourceOffset + sourceStart), axes.bStrides, target.at(targetOffset + targetStart))
        }
    }
}
