"""Whether a job may be where it is put: asked of every lease, and of a new park for what runs.

It goes through the rules one by one and uses nothing that the planner uses, so that a planner that
is wrong leases nothing.
"""

from cluster.inventory import Park
from scheduler.model.job import Job, Placement


def custody_refusal(job: Job, placement: Placement, park: Park | None) -> str | None:
    """Why the job, or data that it reads, may not be where it is put."""
    centre_id = placement.centre_id
    if park is None:
        return "there is no park"
    if job.centre_ids and centre_id not in job.centre_ids:
        return f"job {job.id} is not to run in centre {centre_id}"
    class_ids = [] if job.data_class is None else [job.data_class]
    for data_id in job.data_ids:
        dataset = park.dataset_by_id.get(data_id)
        if dataset is None:
            return f"the park has no dataset {data_id}, which job {job.id} reads"
        if dataset.data_class is not None:
            class_ids.append(dataset.data_class)
    for class_id in class_ids:
        data_class = park.data_class_by_id.get(class_id)
        if data_class is None:
            return f"the park has no data class {class_id}, of which job {job.id} reads"
        if data_class.centre_ids and centre_id not in data_class.centre_ids:
            return f"job {job.id} reads data of class {class_id}, not for centre {centre_id}"
    return None
