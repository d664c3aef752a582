using Xkd.Model.Networks;
using Xkd.Storage;
using static TorchSharp.torch;

namespace Xkd.Model.Optimization;

/// <summary>
/// The teachers as moving averages of the students. A teacher's parameters lie in the same order as its student's, so that following is one lerp over a
/// contiguous range. MATS's teachers share blocks exactly where the students do: there both are ranges of one buffer.
/// </summary>
internal sealed class FlatTeachers : IDisposable
{
    private readonly FlatParameters students;
    private readonly Tensor video;
    private readonly Tensor audio;
    private readonly SharedTeacherUpdate shared;
    private readonly bool overlapping;

    public FlatTeachers(XkdModel model, FlatParameters students, SharedTeacherUpdate shared)
    {
        if (!model.TeachersMatchStudents)
        {
            throw new UsageException($"teachers follow students of their own size: teacher is {model.Options.Teacher.Dim}/{model.Options.Teacher.Depth}/{model.Options.Teacher.Heads}, "
                + $"student {model.Options.Student.Dim}/{model.Options.Student.Depth}/{model.Options.Student.Heads}; make them equal");
        }

        (this.students, this.shared) = (students, shared);
        overlapping = model.Options.Variant == XkdVariant.Mats;
        using var unrecorded = no_grad();
        video = zeros(overlapping ? students.Students.Length : students.Video.Length, device: model.Device).DetachFromDisposeScope();
        audio = overlapping ? video : zeros(students.Audio.Length, device: model.Device).DetachFromDisposeScope();
        var offsets = students.Slots.ToDictionary(slot => slot.Parameter.Handle, slot => slot.Offset);
        Place(model.VideoTeacher, model.VideoStudent, video, offsets, 0, []);
        Place(model.AudioTeacher, model.AudioStudent, audio, offsets, overlapping ? 0 : students.Audio.Offset,
            overlapping ? [.. StateNames.Parameters(model.VideoTeacher).Select(entry => entry.Value.Handle)] : []);
    }

    /// <summary>teacher = momentum · teacher + (1 − momentum) · student, for every parameter (the centres are not parameters).</summary>
    public void Follow(double videoMomentum, double audioMomentum)
    {
        using var scope = NewDisposeScope();
        using var unrecorded = no_grad();
        Follow(video, 0, students.Video, videoMomentum);
        if (!overlapping)
        {
            Follow(audio, 0, students.Audio, audioMomentum);
        }
        else
        {
            var range = shared == SharedTeacherUpdate.Twice ? students.Audio : students.AudioOwn;
            Follow(audio, range.Offset, range, audioMomentum);
        }
    }

    public void Dispose()
    {
        video.Dispose();
        audio.Dispose();
    }

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

    private void Follow(Tensor teacher, long offset, FlatRange student, double momentum) =>
        teacher.narrow(0, offset, student.Length).lerp_(students.Values.narrow(0, student.Offset, student.Length), 1 - momentum);
}
