import CKernels

extension CPUBackend {
    public func geglu(_ x: Tensor, into y: Tensor) {
        forEachRow(of: y, y.shape.last) { row, count in
            let columns = y.shape.last
            ck_geglu(x.kernelType, x.at(2 * row * columns), y.at(row * columns), count, columns)
        }
    }

    public func gegluAdjoint(_ x: Tensor, _ dy: Tensor, into dx: Tensor) {
        forEachRow(of: dy, dy.shape.last) { row, count in
            let (columns, start) = (dy.shape.last, 2 * row * dy.shape.last)
            ck_geglu_adjoint(
                x.kernelType, x.at(start), dy.at(row * columns), dx.at(start), count, columns)
        }
    }
}
