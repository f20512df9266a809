function Get-BorgClusterService {
    <#
    .SYNOPSIS
    Finds one of Hyper-V's WMI services by its class, or fails.
    #>
    param (
        [Parameter(Mandatory)]
        [string]
        $ClassName
    )

    $query = @{
        Namespace = 'root\virtualization\v2'
        ClassName = $ClassName
        ErrorAction = 'Stop'
    }
    foreach ($service in @(CimCmdlets\Get-CimInstance @query)) {
        if ($null -ne $service) {
            return $service
        }
    }
    $record = @{
        ErrorId = 'BorgClusterServiceMissing'
        Category = 'ObjectNotFound'
        Message = "$ClassName is missing on $([System.Environment]::MachineName): does Hyper-V run there?"
        TargetObject = $ClassName
    }
    throw (ConvertTo-BorgClusterErrorRecord @record)
}
