function Get-BorgClusterReferencePointFact {
    <#
    .SYNOPSIS
    Collects the reference points of a virtual machine of this node (a ReferencePointReport).
    #>
    param (
        [Parameter(Mandatory)]
        [guid]
        $VMId,

        # The id of the one that was made, if one was
        [AllowNull()]
        [object]
        $Made = $null,

        # Key and file of each disk, as they were frozen before
        [hashtable]
        $FrozenPath = @{}
    )

    $null = Assert-BorgClusterVM -VMId $VMId
    $system = Get-BorgClusterComputerSystem -VMId $VMId
    $points = [System.Collections.Generic.List[object]]::new()
    $frozen = Get-BorgClusterFrozenPath -System $system
    foreach ($key in $FrozenPath.Keys) {
        $frozen[$key] = $FrozenPath[$key]
    }
    foreach ($point in @(Get-BorgClusterSystemPoint -System $system)) {
        $points.Add((ConvertTo-BorgClusterReferencePointFact -Point $point -FrozenPath $frozen))
    }
    return [ordered]@{
        node = [System.Environment]::MachineName
        vm_id = $VMId.ToString('D')
        reference_points = $points.ToArray()
        made = ConvertTo-BorgClusterId -Value $Made
    }
}
