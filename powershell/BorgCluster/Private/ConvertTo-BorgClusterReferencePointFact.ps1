function ConvertTo-BorgClusterReferencePointFact {
    <#
    .SYNOPSIS
    Reports a reference point (a ReferencePoint): whose it is, the change tracking identifier of each disk.
    .DESCRIPTION
    It is ours if it still has the name of the snapshot that it was made of. No document says that Windows keeps that.
    Windows tells disks and identifiers in two parallel lists. If they differ in length no disk can be told from another, and
    none is reported.
    #>
    param (
        [Parameter(Mandatory)]
        [object]
        $Point,

        # Key and file of each disk that a recovery snapshot freezes
        [Parameter(Mandatory)]
        [hashtable]
        $FrozenPath
    )

    $disks = @(Get-BorgClusterListMember -InputObject $Point -Name 'VirtualDiskIdentifiers')
    $tracking = @(Get-BorgClusterListMember -InputObject $Point -Name 'ResilientChangeTrackingIdentifiers')
    $complete = $disks.Count -eq $tracking.Count
    $pairs = [System.Collections.Generic.List[object]]::new()
    if ($complete) {
        for ($index = 0; $index -lt $disks.Count; $index++) {
            $path = Get-BorgClusterStoragePath -InstanceId $disks[$index] -FrozenPath $FrozenPath
            $pairs.Add([ordered]@{ path = $path; rct_id = $tracking[$index] })
        }
    }
    return [ordered]@{
        id = Get-BorgClusterLastId -InstanceId $Point.InstanceID
        run_id = Get-BorgClusterMarkedRun -Setting $Point
        created = ConvertTo-BorgClusterTime -Value (Get-BorgClusterProperty -InputObject $Point -Name 'CreationTime')
        disks = $pairs.ToArray()
        complete = $complete
    }
}
