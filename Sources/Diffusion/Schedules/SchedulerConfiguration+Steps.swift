extension SchedulerConfiguration {
    /// The timesteps of a sampler of `count` steps, from noise to sample, as diffusers' DDIMScheduler sets them.
    ///
    /// For a few counts with `trailing` spacing diffusers' rounding yields one step too many, at timestep −1;
    /// that step is left out here.
    ///
    /// - Throws: `DiffusionError.stepCount`, or `timestepOutOfRange` where `stepsOffset` leaves the schedule.
    public func timesteps(count: Int) throws -> [Int] {
        guard (1...max(trainSteps, 1)).contains(count) else {
            throw DiffusionError.stepCount(requested: count, trainSteps: trainSteps)
        }
        let (total, steps) = (Double(trainSteps), Double(count))
        let ascending: [Int]
        switch timestepSpacing {
        case .leading:
            ascending = (0..<count).map { $0 * (trainSteps / count) + stepsOffset }
        case .linspace:
            let stride = count > 1 ? (total - 1) / (steps - 1) : 0
            ascending = (0..<count).map {
                rounded($0 == count - 1 && count > 1 ? total - 1 : Double($0) * stride)
            }
        case .trailing:
            // numpy's arange steps by the difference of its first two values, not by the ratio itself;
            // where values lie halfway between integers that decides the rounding.
            let stride = (total - total / steps) - total
            ascending = (0..<count).reversed().map { rounded(total + Double($0) * stride) - 1 }
        }
        if let last = ascending.last, last >= trainSteps {
            throw DiffusionError.timestepOutOfRange(timestep: last, trainSteps: trainSteps)
        }
        return ascending.reversed()
    }

    /// The DDIM steps of a sampler, from noise to sample.
    ///
    /// As in diffusers a step ends at t − ⌊T/count⌋, which for `trailing` and `linspace` need not be where the
    /// next one starts.
    ///
    /// - Parameter eta: η in 0...1; 0 is deterministic, 1 is DDPM's ancestral sampling.
    public func steps(count: Int, eta: Double) throws -> [DDIMStep] {
        let schedule = try schedule()
        let final = setAlphaToOne ? 1 : schedule.alphaCumprod(at: 0)
        return try timesteps(count: count).map { timestep in
            let previous = timestep - schedule.trainSteps / count
            return DDIMStep(
                timestep: timestep, alphaCumprod: schedule.alphaCumprod(at: timestep),
                previousAlphaCumprod: previous >= 0 ? schedule.alphaCumprod(at: previous) : final, eta: eta)
        }
    }
}

/// To the nearest integer, halves to even, as numpy rounds.
private func rounded(_ value: Double) -> Int { Int(value.rounded(.toNearestOrEven)) }
