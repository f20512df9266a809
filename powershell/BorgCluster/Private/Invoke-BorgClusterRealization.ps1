function Invoke-BorgClusterRealization {
    <#
    .SYNOPSIS
    Makes a machine of a planned virtual machine, with its files where they lie.
    #>
    param (
        [Parameter(Mandatory)]
        [guid]
        $VMId
    )

    $planned = @(Get-BorgClusterPlannedSystem -VMId $VMId)
    if ($planned.Count -eq 0) {
        $record = @{
            ErrorId = 'BorgClusterPlannedVMMissing'
            Category = 'ObjectNotFound'
            Message = "WMI does not list the planned virtual machine $VMId."
            TargetObject = $VMId
        }
        throw (ConvertTo-BorgClusterErrorRecord @record)
    }
    $call = @{
        InputObject = Get-BorgClusterService -ClassName 'Msvm_VirtualSystemManagementService'
        MethodName = 'RealizePlannedSystem'
        Argument = @{ PlannedSystem = $planned[0] }
    }
    $null = Invoke-BorgClusterMethod @call
}
