import CKernels

extension CPUBackend {
    public func copyStrided(
        shape: [Int], from source: Tensor, offset sourceOffset: Int, strides sourceStrides: [Int],
        into target: Tensor, offset targetOffset: Int, strides targetStrides: [Int]
    ) {
        guard let rows = shape.first else {
            return target.at(targetOffset).copyMemory(
                from: source.at(sourceOffset), byteCount: source.dtype.byteWidth)
        }
        let inner = shape.dropFirst().reduce(1, *)
        Parallel.ranges(rows, grain: max(1, Self.grain / max(1, inner))) { range in
            ck_copy_strided(
                source.dtype.byteWidth, Int32(shape.count),
                [Int64(range.count)] + shape.dropFirst().map(Int64.init),
                sourceStrides.map(Int64.init),
                source.at(sourceOffset + range.lowerBound * sourceStrides[0]),
                targetStrides.map(Int64.init),
                target.at(targetOffset + range.lowerBound * targetStrides[0]))
        }
    }
}
