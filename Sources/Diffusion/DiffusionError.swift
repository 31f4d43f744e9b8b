/// What can be wrong with a schedule, a scheduler's file or a request made of them.
public enum DiffusionError: Error, Equatable, CustomStringConvertible {
    /// Every problem of a schedule or scheduler configuration, one text each.
    case invalidSchedule([String])
    /// More sampling steps asked for than the schedule has timesteps.
    case stepCount(requested: Int, trainSteps: Int)
    /// `steps_offset` pushes a timestep past the end of the schedule.
    case timestepOutOfRange(timestep: Int, trainSteps: Int)
    /// ᾱ_t = 0: nothing of x_0 is left, so ε says nothing about it.
    case noSignal(timestep: Int)
    /// Exact path-wise weights c_t²/(2σ_t²) do not exist for these steps.
    case exactWeightsUndefined(reason: String)

    public var description: String {
        switch self {
        case .invalidSchedule(let problems):
            "noise schedule: " + problems.joined(separator: "; ")
        case .stepCount(let requested, let trainSteps):
            "sampling steps: \(requested) asked for, but the schedule has \(trainSteps) timesteps;"
                + " choose 1 to \(trainSteps)"
        case .timestepOutOfRange(let timestep, let trainSteps):
            "sampling steps: timestep \(timestep) lies past the schedule's last, \(trainSteps - 1);"
                + " use fewer steps or steps_offset 0"
        case .noSignal(let timestep):
            "noise schedule: the signal is zero at timestep \(timestep), where a noise prediction cannot give"
                + " x_0; use a model that predicts v or the sample, or a schedule without zero terminal SNR"
        case .exactWeightsUndefined(let reason):
            "exact path-wise KL weights: \(reason); choose eta > 0, a schedule without zero terminal SNR and no"
                + " clipping, or uniform weights"
        }
    }
}
