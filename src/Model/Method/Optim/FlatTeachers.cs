using static TorchSharp.torch;

namespace Xkd.Model.Method;

/// <summary>
/// The teachers as moving averages of the students. A teacher's parameters lie in the same order as its student's, so that following is one lerp over a
/// contiguous range. MATS's teachers share blocks exactly where the students do: there both are ranges of one buffer.
/// </summary>
internal sealed class FlatTeachers : IDisposable
{
    private readonly FlatParameters students;
    private readonly Tensor video;
    private readonly Tensor audio;

    public FlatTeachers(XkdModel model, FlatParameters students, SharedTeacherUpdate shared)
    {
        this.students = students;
        var overlapping = model.Config.Variant == XkdVariant.Mats;
        using var unrecorded = no_grad();
        video = zeros(overlapping ? students.Students.Length : students.Video.Length, device: model.Device).DetachFromDisposeScope();
        audio = overlapping ? video : zeros(students.Audio.Length, device: model.Device).DetachFromDisposeScope();
        var offsets = students.Slots.ToDictionary(slot => slot.Parameter.Handle, slot => slot.Offset);
        Place(model.VideoTeacher, model.VideoStudent, video, offsets, 0, []);
        Place(model.AudioTeacher, model.AudioStudent, audio, offsets, overlapping ? 0 : students.Audio.Offset,
            overlapping ? [.. StateNames.Parameters(model.VideoTeacher).Select(entry => entry.Value.Handle)] : []);
        var heard = overlapping && shared == SharedTeacherUpdate.Once ? students.AudioOwn : students.Audio;
        Followings = [Of(video, 0, students.Video, audio: false), Of(audio, overlapping ? heard.Offset : 0, heard, audio: true)];
    }

    /// <summary>What follows what, in order: every parameter (the centres are not parameters), in MATS's released reading the shared ones twice.</summary>
    public IReadOnlyList<Following> Followings { get; }

    /// <summary>All values of the teachers.</summary>
    public IEnumerable<Tensor> Buffers => ReferenceEquals(video, audio) ? [video] : [video, audio];

    /// <summary>teacher = momentum · teacher + (1 − momentum) · student.</summary>
    public void Follow(in StepSchedule schedule)
    {
        using var scope = NewDisposeScope();
        foreach (var (teacher, student, isAudio) in Followings)
        {
            teacher.lerp_(students.Values.narrow(0, student.Offset, student.Length), 1 - (isAudio ? schedule.AudioEma : schedule.VideoEma));
        }
    }

    public void Dispose()
    {
        foreach (var following in Followings)
        {
            following.Teacher.Dispose();
        }

        video.Dispose();
        audio.Dispose();
    }

    private static Following Of(Tensor buffer, long offset, FlatRange student, bool audio) =>
        new(buffer.narrow(0, offset, student.Length).DetachFromDisposeScope(), student, audio);

    private static void Place(Branch teacher, Branch student, Tensor buffer, Dictionary<nint, long> offsets, long origin, HashSet<nint> placed)
    {
        foreach (var ((_, to), (_, from)) in StateNames.Parameters(teacher).Zip(StateNames.Parameters(student)))
        {
            if (!placed.Contains(to.Handle))
            {
                FlatParameters.View(buffer, to, offsets[from.Handle] - origin, gradient: false);
            }
        }
    }
}

/// <summary>A range of a teacher's values that follows a range of a student's.</summary>
/// <param name="Teacher">[student length]</param>
/// <param name="Student">Where the student's values lie in the flat buffers.</param>
/// <param name="Audio">By the audio teacher's momentum, not the video teacher's.</param>
internal sealed record Following(Tensor Teacher, FlatRange Student, bool Audio);
